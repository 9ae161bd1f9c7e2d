// Attachments whose addresses are in use here, though no endpoint tells of them: those that a command works on just now, and those whose
// interface is there while their record was lost, with the state directory say.
import type { KeyedLock } from "../../../base/lock.ts";
import type { Endpoints } from "../endpoints.ts";
import type { Observation } from "../observe.ts";
import { isPodLink } from "../pod-link.ts";
import { type CniDeps, partsOf } from "./attached.ts";

type InHandDeps = {
  readonly turns: KeyedLock;
  readonly endpoints: Endpoints;
  readonly observation: () => Promise<Observation>;
  readonly daemon: Pick<CniDeps["daemon"], "addresses">;
  readonly hostname: string;
};

/** Names of attachments. UnavailableError where there are interfaces that only the daemon can tell the names of, and it does not. */
export async function namesInHand({
  turns,
  endpoints,
  observation,
  daemon,
  hostname,
}: InHandDeps): Promise<string[]> {
  const busy = [...turns.keys()];
  const { links } = await observation();
  const known = new Set([
    ...endpoints.list().map(({ hostInterface }) => hostInterface),
    ...busy.map((name) => partsOf(name).hostInterface),
  ]);
  const strays = new Set(
    links.filter((link) => isPodLink(link) && !known.has(link.name)).map(({ name }) => name),
  );
  if (strays.size === 0) return busy;
  const held = await daemon.addresses(hostname);
  const theirs = held.filter(({ name }) => strays.has(partsOf(name).hostInterface));
  return [...busy, ...theirs.map(({ name }) => name)];
}
