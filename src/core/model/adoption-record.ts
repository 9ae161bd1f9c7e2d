// What all daemons on a store know of adoption: whether addresses may be handed out, and which hosts have told what is alive. Holds no
// behaviour but the way to text and back.
import { garbage, parseText, readCount, type Reader, readObject, readString } from "./codec-read.ts";
import { adoptionKey, reportedKey } from "./keys.ts";

const STATES = ["asked", "lost", "open"] as const;
const OPENERS = ["answer", "force"] as const;

/** Key `adoption`. Absent in a store that no daemon was started on yet. */
export type AdoptionRecord = {
  /**
   * Grows with each daemon that starts. Reports count in the round in which they were made: what was heard before may have been put back
   * with the rest of an old store.
   */
  readonly round: number;
  /**
   * `asked`: a daemon has started and does not know whether all that lives is in the store; whoever serves already goes on. `lost`: an agent
   * had seen what the store does not know, so nobody hands out anything. `open`: all may.
   */
  readonly state: (typeof STATES)[number];
  /** While it is asked, the first that asked since it was open; absent: it is this one. An earlier life of the store ended before its revision. */
  readonly first?: { readonly round: number; readonly revision: number };
  /** It was never open yet: hosts that live may be unknown. */
  readonly isNew?: true;
  /**
   * What opened it, if no wait did. `answer`: of a daemon that served already. `force`: the operator's word; nothing that an agent has seen is
   * taken for a loss any more, until a daemon starts.
   */
  readonly by?: (typeof OPENERS)[number];
  /**
   * With a loss policies were lost, too: nodes are told nothing of them, and go on with those that they have, until somebody has told all of
   * them anew.
   */
  readonly policies?: "lost";
};

/** Of a store without the record. */
export const NEVER_ASKED: AdoptionRecord = { round: 0, state: "open" };

/** Key `reported/<host>`: all that the host's agent told is adopted. Means nothing in another round; there is no round 0. */
export type Reported = { readonly host: string; readonly round: number };

export const encodeAdoption = (record: AdoptionRecord): string => JSON.stringify(record);

/** UnavailableError `STORE_GARBAGE`, as `decodeReported`. */
export function decodeAdoption(text: string): AdoptionRecord {
  const root = readObject(
    parseText(adoptionKey, text),
    ["round", "state"],
    ["first", "isNew", "by", "policies"],
  );
  const state = STATES.find((each) => each === root.state.value);
  if (!state) throw garbage(root.state, `one of ${STATES.join(", ")}`);
  if (root.isNew && root.isNew.value !== true) throw garbage(root.isNew, "true, or no such field");
  const by = root.by && OPENERS.find((each) => each === root.by?.value);
  if (root.by && !by) throw garbage(root.by, `one of ${OPENERS.join(", ")}`);
  if (root.policies && root.policies.value !== "lost") throw garbage(root.policies, "lost, or no such field");
  return {
    ...{ round: readCount(root.round), state },
    ...(root.first ? { first: readFirst(root.first) } : {}),
    ...(root.isNew ? { isNew: true } : {}),
    ...(by ? { by } : {}),
    ...(root.policies ? { policies: "lost" } : {}),
  };
}

function readFirst(reader: Reader): { round: number; revision: number } {
  const { round, revision } = readObject(reader, ["round", "revision"]);
  return { round: readCount(round), revision: readCount(revision) };
}

export const encodeReported = (reported: Reported): string => JSON.stringify(reported);

export function decodeReported(key: string, text: string): Reported {
  const { host, round } = readObject(parseText(key, text), ["host", "round"]);
  const reported = { host: readString(host), round: readCount(round) };
  if (key !== reportedKey(reported.host))
    throw garbage(host, `the name in the key, as ${reportedKey(reported.host)}`);
  return reported;
}
