// Protocol Buffers (proto3) as data: what messages look like, and the numbers in them.
import { UnavailableError } from "../../base/errors.ts";

/** `integer`: int32, int64 or an enum; `unsigned`: uint64. */
export type Scalar = "bytes" | "string" | "bool" | "integer" | "unsigned";
export type Field = readonly [id: number, type: Scalar | Message, rule?: "repeated"];
/** By name. Lists are of messages. */
export type Message = { readonly [name: string]: Field };
export type Values = Record<string, unknown>;

/** As numbers where these are exact. */
export type Integer = number | bigint;

/** How many bytes a value has. */
export const WIRE = { VARINT: 0, FIXED64: 1, LENGTH: 2, FIXED32: 5 } as const;
export const wireOf = (type: Field[1]): number =>
  type === "bool" || type === "integer" || type === "unsigned" ? WIRE.VARINT : WIRE.LENGTH;

export const broken = (what: string): UnavailableError => new UnavailableError({ code: "PROTOBUF", what });
