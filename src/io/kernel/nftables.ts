// The table of one network namespace over nfnetlink: what stands there, and a plan as one transaction. Decides nothing about its content.
import { UnavailableError } from "../../base/errors.ts";
import { CHANGES_GROUP, NETLINK_NETFILTER } from "../../core/nft/constants.ts";
import { decodeCount, type RuleCount } from "../../core/nft/decode-count.ts";
import { decodeNftObject, type NftObject } from "../../core/nft/decode.ts";
import { batchLength, encodeBatch, encodeNftDump, type NftDump } from "../../core/nft/encode.ts";
import type { NftChange } from "../../core/nft/plan.ts";
import { type Observed, observedOf } from "../../core/nft/standing.ts";
import { createWriter } from "../../core/netlink/writer.ts";
import { TABLE } from "../../core/nft/types.ts";
import { whoChanged } from "../../core/nft/who-changed.ts";
import { type Line, openLine } from "./conversation.ts";
import { type NflogListener, openNflog } from "./nflog.ts";
import { type Channel, type ChannelListener, errnoName, type NativePipe } from "./native-pipe.ts";

const ATTEMPTS = 8;

export interface Nftables {
  /** UnavailableError `NFT_OBSERVE`. */
  observe(): Promise<Observed>;
  /** All or nothing. UnavailableError `NFT_REFUSED` with the kernel's errno: what was there before is there still. */
  apply(changes: readonly NftChange[]): Promise<void>;
  /** As `apply`, but the kernel only judges it. */
  check(changes: readonly NftChange[]): Promise<void>;
  /** Of all rules of our table that count, in no order. UnavailableError `NFT_OBSERVE`. */
  counts(): Promise<readonly RuleCount[]>;
  /**
   * Calls `changed` when others have changed our table, or may have, from when it resolves until `close`. UnavailableError `NETNS_GONE`,
   * `NETLINK_OPEN`.
   */
  watch(changed: () => void): Promise<void>;
  /** Hears what rules tell of packets to the group, until `close`. UnavailableErrors of `watch`. */
  listen(group: number, listener: NflogListener): Promise<void>;
  close(): void;
}

/** UnavailableError `NETNS_GONE`, `NETLINK_OPEN`. */
export async function openNftables(pipe: NativePipe, netns: string): Promise<Nftables> {
  const line = await openLine(pipe, netns, { protocol: NETLINK_NETFILTER, decodeObject: decodeNftObject });
  // A line of its own: nobody's change waits for it.
  const counting = await openLine<RuleCount>(pipe, netns, {
    protocol: NETLINK_NETFILTER,
    decodeObject: (type, view, at, end) => decodeCount(TABLE, { type, view, at, end }),
  });
  const opened: Channel[] = [line.channel, counting.channel];
  return {
    observe: () => observe(line),
    apply: (changes) => sendBatch(line, changes, "commit"),
    check: (changes) => sendBatch(line, changes, "check"),
    counts: () => dump(counting, { kind: "rules" }),
    watch: async (changed) => {
      const family = { protocol: NETLINK_NETFILTER, groups: CHANGES_GROUP };
      opened.push(await pipe.openChannel(netns, family, changesListener(line, changed)));
    },
    listen: async (group, listener) => void opened.push(await openNflog(pipe, netns, group, listener)),
    close: () => {
      for (const channel of opened) channel.close();
    },
  };
}

/** What was lost or cannot be read may have been of our table. */
function changesListener(line: Line<NftObject>, changed: () => void): ChannelListener {
  return {
    datagram: (bytes) => {
      if (changersIn(bytes).some((port) => port !== line.port)) changed();
    },
    overrun: changed,
    // Whoever asks next is told.
    failed: () => undefined,
  };
}

const NOBODY_KNOWN = 0;

function changersIn(bytes: Uint8Array): readonly number[] {
  try {
    return [...whoChanged(bytes, TABLE)];
  } catch (error) {
    if (error instanceof RangeError) return [NOBODY_KNOWN];
    throw error;
  }
}

async function observe(line: Line<NftObject>): Promise<Observed> {
  const tables = await dump(line, { kind: "tables" });
  if (observedOf(tables).kind !== "ours") return observedOf(tables);
  const sets = await dump(line, { kind: "sets" });
  const rest = [await dump(line, { kind: "chains" }), await dump(line, { kind: "rules" })];
  for (const set of sets)
    if (set.kind === "set") rest.push(await dump(line, { kind: "elements", set: set.name }));
  return observedOf([...tables, ...sets, ...rest.flat()]);
}

async function dump<O>(line: Line<O>, what: NftDump): Promise<readonly O[]> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const objects = await dumpOnce(line, what);
    if (objects) return objects;
  }
  throw new UnavailableError({ code: "NFT_OBSERVE", what: what.kind, attempts: ATTEMPTS });
}

/** `undefined`: somebody changed his rules under way, ask again. */
function dumpOnce<O>(line: Line<O>, what: NftDump): Promise<O[] | undefined> {
  return line.converse<O[] | undefined>(1, (sequence, { resolve, reject }) => {
    const objects: O[] = [];
    let interrupted = false;
    const writer = createWriter(256);
    encodeNftDump(writer, what, sequence);
    line.channel.send(writer.take());
    return (message) => {
      if (message.kind === "object") objects.push(message.object);
      if (message.kind === "object" || message.kind === "done") interrupted ||= message.interrupted;
      if (message.kind !== "error" && message.kind !== "done") return;
      if (message.errno === 0) resolve(interrupted ? undefined : objects);
      else
        reject(
          new UnavailableError({ code: "NFT_OBSERVE", what: what.kind, errno: errnoName(message.errno) }),
        );
    };
  });
}

async function sendBatch(
  line: Line<NftObject>,
  changes: readonly NftChange[],
  purpose: "commit" | "check",
): Promise<void> {
  if (changes.length === 0) return;
  return line.converse<undefined>(batchLength(changes), (first, { resolve, reject }) => {
    const writer = createWriter();
    const last = encodeBatch(writer, changes, first, purpose);
    line.channel.send(writer.take());
    return (message) => {
      if (message.kind !== "error") return;
      // An error of the whole bears the first number, one of a message its own, and comes before the acknowledgement of the last.
      const { errno, text, sequence } = message;
      if (errno !== 0)
        reject(
          new UnavailableError({ code: "NFT_REFUSED", errno: errnoName(errno), at: sequence - first, text }),
        );
      else if (sequence === last) resolve(undefined);
    };
  });
}
