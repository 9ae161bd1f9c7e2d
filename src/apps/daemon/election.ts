// Who leads, as the leader's key tells it. Pure: the caller reads the store.
import type { Entry, LeaseId } from "../../io/store/store.ts";

export type Standing =
  /** Nobody holds the key: whoever puts it first leads. */
  | { readonly kind: "vacant" }
  /** The key hangs on the asker's own lease. `revision`: of its last write, and greater than that of every leader before. */
  | { readonly kind: "leading"; readonly revision: number }
  | { readonly kind: "following"; readonly holder: string };

/** `lease`: the asker's own. The lease tells daemons apart, not the name: a restarted daemon is another one. */
export function standingOf(found: Entry | undefined, lease: LeaseId | undefined): Standing {
  if (!found) return { kind: "vacant" };
  if (lease !== undefined && found.lease === lease) return { kind: "leading", revision: found.revision };
  return { kind: "following", holder: holderIn(found.value) };
}

/** `holder` is for people. */
export const encodeHolder = (holder: string): string => JSON.stringify({ holder });

/** Somebody's garbage holds the key as well as a name would. */
function holderIn(value: string): string {
  try {
    const { holder } = JSON.parse(value) as { holder?: unknown };
    return typeof holder === "string" ? holder : "unknown";
  } catch {
    return "unknown";
  }
}
