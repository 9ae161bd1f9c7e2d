// What is wrong with the records: those that contradict each other, and those that agents contradict. Pure, and changes nothing.
import type { Duration } from "../../base/clock.ts";
import { formatIp } from "../net/ip.ts";
import { addressKey, evidenceKey } from "../model/keys.ts";
import type { Claim, Missing } from "../model/evidence.ts";
import { FINDING_KINDS, type FindingKind } from "../model/finding.ts";
import { checkAddresses } from "./check-addresses.ts";
import { checkBlocks } from "./check-blocks.ts";
import { type Held, heldBy, ipTexts } from "./held.ts";
import type { IpamState } from "./state.ts";

export type Finding = {
  readonly kind: FindingKind;
  /** An address's name, a block's prefix, or a record's key. */
  readonly subject: string;
  readonly host: string | undefined;
  readonly ips: readonly string[];
  /** What was found, as a sentence. */
  readonly details: string;
  /** When it was first found, wall milliseconds; `undefined`: it follows from the records as they are now. */
  readonly since: number | undefined;
  /** Keys of the records that say so. */
  readonly keys: readonly string[];
};

export type CheckOptions = {
  /** Wall time, milliseconds. */
  readonly now: number;
  /** How long a freed address rests. */
  readonly cooldown: Duration;
  /** What is wrong with each record that nobody can read, by key. */
  readonly garbage: ReadonlyMap<string, string>;
};

/** Yields after each record, so that whoever has other things to do may do them: the state may change in between. */
export type Steps = Generator<undefined, Finding[]>;

/** By kind in the order of `FINDING_KINDS`. Each step looks at one record and those that it must agree with. */
export function* check(state: IpamState, options: CheckOptions): Steps {
  const findings = [
    ...(yield* checkAddresses(state)),
    ...(yield* checkBlocks(state, options)),
    ...checkEvidence(state),
    ...checkGarbage(options.garbage),
  ];
  const rank = new Map(FINDING_KINDS.map((kind, i) => [kind, i]));
  return findings.sort((a, b) => (rank.get(a.kind) ?? 0) - (rank.get(b.kind) ?? 0));
}

/** What agents told. */
function checkEvidence(state: IpamState): Finding[] {
  return [...state.evidence.values()].flatMap(({ host, missing, claims }) => {
    const held = heldBy(state, host);
    return [
      ...missing.flatMap((each) => missingFinding(state, host, each, held.get(each.name))),
      ...claims.map((claim) => claimFinding(state, host, claim)),
    ];
  });
}

/** Nothing where the name was released or allocated again since. */
function missingFinding(
  { hosts }: IpamState,
  host: string,
  missing: Missing,
  held: Held | undefined,
): Finding[] {
  const { name, sequence, since, confirmed } = missing;
  if (held?.sequence !== sequence) return [];
  const again = confirmed === undefined ? "not confirmed yet" : "confirmed";
  const what = hosts.has(host) ? `the agent of ${host} does not know it` : `host ${host} is unknown`;
  const details = `${what}; ${again}`;
  const keys = [evidenceKey(host), ...held.keys];
  return [{ kind: "leaked", subject: name, host, ips: ipTexts(held), since, details, keys }];
}

function claimFinding(state: IpamState, host: string, { name, ip, reason, since }: Claim): Finding {
  const holder = state.addressAt(ip);
  const isOthers = holder !== undefined && (holder.name !== name || holder.host !== host);
  return {
    kind: isOthers ? "doubled" : "misplaced",
    ...{ subject: name, host, ips: [formatIp(ip)], since },
    details: `a pod on ${host} has it: ${reason}`,
    keys: [evidenceKey(host), ...(holder ? [addressKey(holder.name)] : [])],
  };
}

function checkGarbage(garbage: ReadonlyMap<string, string>): Finding[] {
  return [...garbage].map(([key, details]) => ({
    kind: "garbage",
    ...{ subject: key, host: undefined, ips: [], details, since: undefined, keys: [key] },
  }));
}
