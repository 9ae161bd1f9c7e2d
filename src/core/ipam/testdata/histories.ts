// Random histories of address management in a world small enough to fill up.
import fc from "fast-check";
import { type Cidr, parseCidr } from "../../net/cidr.ts";
import type { Ip } from "../../net/ip.ts";
import type { Reservation } from "../../model/records.ts";
import type { AllocateRequest } from "../types.ts";
import { network } from "./world.ts";

export const networks = [
  network("four", "10.0.0.0/27", 29),
  network("six", "fd00::/122", 125),
  network("blue", "10.1.0.0/28", 29, "blue"),
];
const blackouts = ["10.0.0.4/30", "10.0.0.8/29", "10.0.0.16/28", "fd00::/126", "fd00::30/124"].map((text) =>
  parseCidr(text),
);

/** Of several sizes, over one another, two with holders among the names. */
const reservations: readonly Reservation[] = [
  { cidr: parseCidr("10.0.0.2/32"), holder: "p2", reason: "" },
  { cidr: parseCidr("10.0.0.17/32"), holder: "p3", reason: "" },
  { cidr: parseCidr("10.0.0.0/29"), reason: "" },
  { cidr: parseCidr("10.0.0.16/30"), reason: "" },
  { cidr: parseCidr("fd00::8/125"), reason: "" },
];

export type Step =
  | { do: "allocate"; request: AllocateRequest; seed: number }
  | { do: "release"; name: string; stale: boolean }
  | { do: "wait"; ms: number }
  | { do: "collect" }
  | { do: "blackout"; cidr: Cidr; on: boolean }
  | { do: "reserve"; reservation: Reservation; on: boolean }
  | { do: "remove-host"; host: string };

const name = fc.nat(40).map((i) => `p${i}`);
const wanted = fc.nat(31).map((n): Ip => ({ family: 4, value: (10n << 24n) + BigInt(n) }));
export const request: fc.Arbitrary<AllocateRequest> = fc.record(
  {
    name,
    host: fc.constantFrom("h1", "h2", "h3"),
    tenant: fc.constantFrom("red", "red", "blue"),
    segment: fc.constantFrom("", "", "db"),
    ips: fc.array(wanted, { minLength: 1, maxLength: 1 }),
  },
  { requiredKeys: ["name", "host", "tenant", "segment"] },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant("allocate" as const), request, seed: fc.nat(5) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("release" as const), name, stale: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(40_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("collect" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("blackout" as const),
      cidr: fc.constantFrom(...blackouts),
      on: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reserve" as const),
      reservation: fc.constantFrom(...reservations),
      on: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("remove-host" as const), host: fc.constantFrom("h1", "h3") }),
  },
);

export const steps = fc.array(step, { minLength: 20, maxLength: 120, size: "max" });
