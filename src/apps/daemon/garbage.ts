// Records that nobody can read: named once, kept apart, and mended where other records say what they said. The rest works. The store is not
// touched: the next write of such a record takes the place of the garbage.
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { writeOfEntry } from "../../core/ipam/keys.ts";
import { mendAddress, mendBlock } from "../../core/ipam/mend.ts";
import type { IpamState } from "../../core/ipam/state.ts";
import type { Write } from "../../core/ipam/types.ts";
import { NEVER_ASKED } from "../../core/model/adoption-record.ts";
import { createBlockReader } from "../../core/model/block-reader.ts";
import { parseKey } from "../../core/model/keys.ts";
import { type Cidr, tryParseCidr } from "../../core/net/cidr.ts";

export class Garbage {
  readonly #log: Log;
  readonly #found = new Map<string, string>();
  readonly #readBlock = createBlockReader();
  /** Since the last mending. */
  #isOther = false;

  constructor(log: Log) {
    this.#log = log;
  }

  get found(): ReadonlyMap<string, string> {
    return this.#found;
  }

  /** As `writeOfEntry`; garbage amounts to no write: the state goes on with the last form of the record that could be read. */
  read(key: string, value: string | undefined): Write | undefined {
    try {
      const write = writeOfEntry(key, value, this.#readBlock);
      this.replaced(key);
      return write;
    } catch (error) {
      if (!(error instanceof UnavailableError) || error.code !== "STORE_GARBAGE") throw error;
      if (this.#found.get(key) === error.message) return undefined;
      this.#log.error("a record is garbage", { key, error: error.message });
      this.#found.set(key, error.message);
      this.#isOther = true;
      return undefined;
    }
  }

  /** What is there now can be read. */
  replaced(key: string): void {
    if (this.#found.delete(key)) this.#isOther = true;
  }

  /** Applies what the other records say of those that the state lacks, and keeps the rest from everybody. Addresses first: blocks are made of them. */
  mend(state: IpamState): Write[] {
    if (!this.#isOther) return [];
    this.#isOther = false;
    const mended: Write[] = [];
    const quarantined: Cidr[] = [];
    for (const key of this.#found.keys()) {
      const write = mendedWrite(state, key);
      if (write) mended.push(write);
      if (write) state.apply(write);
      else quarantined.push(...placeOf(state, key));
    }
    state.quarantine(quarantined);
    return mended;
  }
}

function mendedWrite(state: IpamState, key: string): Write | undefined {
  const parsed = parseKey(key);
  if (parsed?.kind === "addresses" && !state.addresses.has(parsed.name)) {
    const address = mendAddress(state, parsed.name);
    return address && { kind: "put-address", address };
  }
  // How much it allowed nobody knows: no more than there is.
  if (parsed?.kind === "limits" && !state.limits.has(parsed.name))
    return { kind: "put-limit", limit: { tenant: parsed.name, total: 0, networks: {} } };
  // Perhaps it said that something was lost. No host has reported in a round that nobody knows.
  if (parsed?.kind === "adoption" && state.adoption === NEVER_ASKED)
    return {
      kind: "put-adoption",
      adoption: { round: 1 + Math.max(0, ...state.reported.values()), state: "lost" },
    };
  if (parsed?.kind !== "blocks" || state.blocks.has(parsed.name)) return undefined;
  const cidr = tryParseCidr(parsed.name);
  const block = cidr && mendBlock(state, cidr);
  return block && { kind: "put-block", block };
}

/** The space that a record speaks of whose key alone can be read, unless the state knows it in another form. */
function placeOf(state: IpamState, key: string): Cidr[] {
  const parsed = parseKey(key);
  if (parsed?.kind !== "blocks" && parsed?.kind !== "blackouts" && parsed?.kind !== "reservations") return [];
  const cidr = tryParseCidr(parsed.name);
  return cidr && !(parsed.kind === "blocks" && state.blocks.has(parsed.name)) ? [cidr] : [];
}
