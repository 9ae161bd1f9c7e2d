// The routes of one lab router: computed from the snapshot, compared with its kernel, changed where they differ. Never touches a
// route that is not Romana's.
import type { Log } from "../../base/log.ts";
import type { Snapshot } from "../../core/model/snapshot.ts";
import { type Ip, parseIp } from "../../core/net/ip.ts";
import type { Kernel } from "../../io/kernel/kernel.ts";
import type { RouterState } from "./state.ts";

export type RouterHops = {
  readonly name: string;
  readonly role: "tor" | "spine";
  readonly owns: readonly string[];
  readonly hops: readonly { readonly group: string; readonly via: readonly Ip[] }[];
};

export const routerHops = (router: RouterState): RouterHops => ({
  ...router,
  hops: router.hops.map(({ group, via }) => ({ group, via: via.map((text) => parseIp(text)) })),
});

export async function syncRouter(
  _kernel: Kernel,
  _router: RouterHops,
  _world: Snapshot,
  _log: Log,
): Promise<void> {}
