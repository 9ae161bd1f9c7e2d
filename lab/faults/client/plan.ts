// What a client process is told before it begins, and what it tells while it works and at its end.
import type { Given } from "../history/history.ts";

export type ClientPlan = {
  readonly seed: number;
  readonly name: string;
  /** Requests under way at once. */
  readonly workers: number;
  /** Requests to make, retries included. */
  readonly operations: number;
  readonly daemons: readonly string[];
  readonly hosts: readonly string[];
  /** Those of them whose pods are this client's alone, as are their agents. */
  readonly own: readonly string[];
  /** File that the history is written to, one operation a line. */
  readonly history: string;
};

export type ToClient = { readonly kind: "begin"; readonly plan: ClientPlan } | { readonly kind: "stop" };
export type FromClient =
  | { readonly kind: "progress"; readonly operations: number }
  | { readonly kind: "done"; readonly held: Given[] };
