// All objects of a kind, page by page at one revision: a cluster's pods in one answer would be gigabytes. Keeps nothing.
import type { KubeClient } from "./kube-client.ts";
import type { KubeList, KubeObject } from "./types.ts";

type Listing = {
  /** `fieldSelector`, `labelSelector`. */
  readonly query?: Readonly<Record<string, string>>;
  /** Objects of one page; 500. */
  readonly page?: number;
  readonly signal?: AbortSignal;
};

export type Page = {
  readonly items: readonly KubeObject[];
  /** Of the whole list: what changes after it comes with a watch from here on. */
  readonly revision: string;
};

/** `path` as `/api/v1/nodes`. UnavailableError of `ask`; `KUBE_GONE`: a page has expired, and the list is to begin anew. */
export async function* listPages(
  client: Pick<KubeClient, "ask">,
  path: string,
  { query = {}, page = 500, signal }: Listing = {},
): AsyncGenerator<Page, void, undefined> {
  let next = "";
  do {
    const paging = { limit: `${page}`, ...(next !== "" && { continue: next }) };
    const asking = { query: { ...query, ...paging }, ...(signal && { signal }) };
    const { items, metadata }: KubeList = await client.ask("GET", path, asking);
    yield { items, revision: metadata.resourceVersion ?? "" };
    next = metadata.continue ?? "";
  } while (next !== "");
}
