// What the store says of the imports into it: how many there were, whether the last one is whole, and whether a daemon took note of it.
import { garbage, parseText, readCount, readObject, readString } from "./codec-read.ts";
import { KEY_PREFIX } from "./keys.ts";

export const importKey = `${KEY_PREFIX}import`;

/** Where records came from. The same store at the same revision had the same records. */
export type Origin = {
  /** The store's identity. */
  readonly cluster: string;
  readonly generation: number;
  readonly revision: number;
  /** ISO 8601, UTC. */
  readonly taken: string;
};

const STATES = ["writing", "unsettled", "settled"] as const;

export type ImportRecord = {
  /** How many times the store was filled from elsewhere: revisions of different generations are never compared. */
  readonly generation: number;
  /**
   * `writing`: the store is not whole. `unsettled`: it is, but the world went on since the backup was taken. `settled`: a daemon took note of
   * that, and the record of adoption says what has become of it.
   */
  readonly state: (typeof STATES)[number];
  readonly origin: Origin;
};

/** As agents know a store: what they saw in another is no older and no newer than what is in this. */
export const clusterOf = (storeId: string, record: ImportRecord | undefined): string =>
  record ? `${storeId}.${record.generation}` : storeId;

export const encodeImport = (record: ImportRecord): string => JSON.stringify(record);

/** UnavailableError `STORE_GARBAGE`. */
export function decodeImport(text: string): ImportRecord {
  const root = readObject(parseText(importKey, text), ["generation", "state", "origin"]);
  const origin = readObject(root.origin, ["cluster", "generation", "revision", "taken"]);
  const state = STATES.find((each) => each === root.state.value);
  if (!state) throw garbage(root.state, `one of ${STATES.join(", ")}`);
  return {
    generation: readCount(root.generation),
    state,
    origin: {
      cluster: readString(origin.cluster),
      generation: readCount(origin.generation),
      revision: readCount(origin.revision),
      taken: readString(origin.taken),
    },
  };
}
