// What clients did and what they were told: the evidence that the checker judges. Holds no behaviour but what follows from one record alone.

/** The owner of an address, as the API has it. */
export type Holder = { readonly host: string; readonly tenant: string; readonly segment: string };

export type Request =
  | ({
      readonly kind: "allocate";
      readonly name: string;
      /** Wanted addresses. */
      readonly ips?: readonly string[];
    } & Holder)
  /** By name or by address; `sequence` and `host` must be those of the allocation. */
  | {
      readonly kind: "release";
      readonly name?: string;
      readonly ip?: string;
      readonly sequence?: number;
      readonly host?: string;
    }
  | { readonly kind: "add-host" | "remove-host"; readonly host: string }
  | { readonly kind: "reserve" | "open"; readonly cidr: string }
  /** An agent tells what lives on its host; what, is too much to be written down. */
  | { readonly kind: "report"; readonly host: string };

export type Given = Holder & {
  readonly name: string;
  readonly ips: readonly string[];
  readonly sequence: number;
};

export type Outcome =
  | ({ readonly kind: "given" } & Given)
  /** What was asked is done. */
  | { readonly kind: "done" }
  /** Nothing was changed, and it says why. */
  | { readonly kind: "refused"; readonly code: string }
  /** No answer, or one that leaves it open: it took effect, takes effect later, or never does. */
  | { readonly kind: "unknown"; readonly why: string };

/** One request. Times in microseconds of one clock that all clients share. */
export type Operation = {
  readonly client: string;
  /** Before the first byte was sent. */
  readonly start: number;
  /** After the last byte of the answer, or when the client gave up. */
  readonly end: number;
  readonly request: Request;
  readonly outcome: Outcome;
};

/** What the clients worked on. */
export type Ground = {
  /** Hosts that are there from before to after, and never removed. */
  readonly hosts: readonly string[];
  /** Networks of which a refusal for lack of addresses is judged; IPv4, one group. */
  readonly small: readonly { readonly tenant: string; readonly cidr: string; readonly blockMask: number }[];
  /** How far clocks of daemons are apart at most, in the unit of sequence numbers, which may fall by that much. */
  readonly skew: number;
};

/** All addresses in the store once everybody was silent, read between `start` and `end`. */
export type Final = { readonly start: number; readonly end: number; readonly addresses: readonly Given[] };

export type History = {
  readonly ground: Ground;
  readonly operations: readonly Operation[];
  readonly final: Final;
};

/** The last moment at which it can have taken effect. */
export const lastEffect = ({ end, outcome }: Operation): number =>
  outcome.kind === "unknown" ? Infinity : end;

/** It may have changed something. */
export const mayHaveWorked = ({ outcome }: Operation): boolean => outcome.kind !== "refused";

export const sameHolder = (a: Holder, b: Holder): boolean =>
  a.host === b.host && a.tenant === b.tenant && a.segment === b.segment;
