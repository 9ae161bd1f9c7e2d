// Long lists of conflicts, kept for a while so that all pages are of one revision. In memory: another daemon does not know them.
import { randomUUID } from "node:crypto";
import { InputError } from "../../../base/errors.ts";
import type { ConflictPage } from "../../../core/api/topology-plan.ts";
import type { Conflict } from "../../../core/ipam/types.ts";

/** The oldest goes when one more is asked for. */
const MAX_LISTS = 8;
const PAGE = 500;

export type ConflictList = { readonly revision: number; readonly conflicts: readonly Conflict[] };

export class ConflictLists {
  readonly #lists = new Map<string, ConflictList>();

  /** The first page; what is longer is kept. */
  first(list: ConflictList, limit = PAGE): ConflictPage {
    const id = randomUUID();
    if (list.conflicts.length > limit) this.#lists.set(id, list);
    const [oldest] = this.#lists.keys();
    if (this.#lists.size > MAX_LISTS && oldest !== undefined) this.#lists.delete(oldest);
    return pageOf(list, id, 0, limit);
  }

  /** Throws InputError 404 `CONTINUE_UNKNOWN`. */
  next(token: string, limit = PAGE): ConflictPage {
    const [id = "", from = ""] = token.split(".", 2);
    const list = this.#lists.get(id);
    if (list && /^\d{1,9}$/.test(from)) return pageOf(list, id, Number(from), limit);
    const expected =
      "the token of a list that this daemon made a moment ago: begin again with POST /topology/plan";
    throw new InputError({ code: "CONTINUE_UNKNOWN", field: "continue", value: token, expected }, 404);
  }
}

function pageOf(
  { revision, conflicts }: ConflictList,
  id: string,
  from: number,
  limit: number,
): ConflictPage {
  const until = from + limit;
  const page = { revision, total: conflicts.length, conflicts: conflicts.slice(from, until) };
  return until < conflicts.length ? { ...page, continue: `${id}.${until}` } : page;
}
