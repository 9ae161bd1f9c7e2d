// `romana agent uninstall`: takes from this node what an agent put there, and nothing else. What is Romana's is recognised in the
// kernel, so it needs no memory of the agent's, and can be done again.
import { rm } from "node:fs/promises";
import { connect } from "node:net";
import { UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import * as options from "../../base/options.ts";
import { planNode } from "../../core/desired/plan-node.ts";
import { TABLE } from "../../core/nft/types.ts";
import type { Kernel } from "../../io/kernel/kernel.ts";
import { startNativeHelper } from "../../io/kernel/native-helper.ts";
import type { Nftables } from "../../io/kernel/nftables.ts";
import { removePlugin } from "./cni/plugin-files.ts";
import { createLinkRemover } from "./cni/remove-links.ts";
import { agentOptions } from "./config.ts";
import { describeChange } from "./describe-change.ts";
import { endpointsFolder } from "./endpoints.ts";
import { observe } from "./observe.ts";
import { isPodLink } from "./pod-link.ts";
import { seenFile } from "./report.ts";
import { closeAll, type Closing } from "./wire.ts";

const { routeTableId, stateDir, cniSocket, cniBinDir, cniConfDir, logLevel } = agentOptions;
export const uninstallOptions = {
  force: options.option(options.toggle, false, "also where pods of this node still have their network"),
  ...{ routeTableId, stateDir, cniSocket, cniBinDir, cniConfDir, logLevel },
} as const satisfies options.OptionTable;

type UninstallConfig = options.OptionValues<typeof uninstallOptions>;

/** What was removed, a line each, as commands for a shell. UnavailableError `AGENT_RUNS`, `PODS_ATTACHED`: nothing was touched. */
export async function uninstall(
  config: UninstallConfig,
  { log, netns }: { readonly log: Log; readonly netns?: string },
): Promise<string[]> {
  if (await answers(config.cniSocket))
    throw new UnavailableError({
      code: "AGENT_RUNS",
      message: `an agent answers at ${config.cniSocket}: end it first, as it would put back what is taken away`,
    });
  const opened: Closing[] = [];
  try {
    const helper = await startNativeHelper({ log });
    opened.push(() => helper.close());
    const [kernel, nftables] = [await helper.kernel(netns), await helper.nftables(netns)];
    opened.push(() => nftables.close());
    return await removeAll(config, kernel, nftables);
  } finally {
    await closeAll(opened);
  }
}

async function removeAll(config: UninstallConfig, kernel: Kernel, nftables: Nftables): Promise<string[]> {
  const seen = await observe(kernel, config.routeTableId);
  const pods = seen.links.filter((link) => link.kind === "veth" && isPodLink(link)).map(({ name }) => name);
  if (pods.length > 0 && !config.force)
    throw new UnavailableError({
      code: "PODS_ATTACHED",
      message: `pods with a network from Romana are on this node, ${pods.length} of them: drain it, or say --force, and they lose it`,
    });
  // No pod is begun any more; then pods, what they may send, what leads to them.
  const files = await removePlugin(config);
  const links = createLinkRemover(kernel);
  await Promise.all(pods.map((name) => links.remove(name)));
  const table = await removeTable(nftables);
  const rest = await removeRoutes(config.routeTableId, kernel);
  await removeState(config);
  return [
    ...files.map((path) => `rm ${path}`),
    ...pods.map((name) => `ip link delete ${name}`),
    ...table,
    ...rest,
  ];
}

async function removeTable(nftables: Nftables): Promise<string[]> {
  if ((await nftables.observe()).kind !== "ours") return [];
  await nftables.apply([{ kind: "table-delete" }]);
  return [`nft delete table inet ${TABLE}`];
}

/** Rules and routes of ours. Those of pods went with their links. UnavailableError `CHANGES_REFUSED`. */
async function removeRoutes(routeTable: number, kernel: Kernel): Promise<string[]> {
  const { links, rules, table } = await observe(kernel, routeTable);
  const nothing = { rules: [], routes: new Map(), pods: [] };
  const changes = planNode(nothing, { links, rules, table }, new Map());
  const results = await kernel.apply(changes);
  const lines = changes.map((change) => describeChange(change, links));
  results.forEach((result, i) => {
    if (result.kind === "failed")
      throw new UnavailableError({ code: "CHANGES_REFUSED", change: lines[i], reason: result.message });
  });
  return lines;
}

/** The folder itself may be a mount, and hold what is not ours. */
async function removeState({ stateDir, cniSocket }: UninstallConfig): Promise<void> {
  for (const path of [cniSocket, endpointsFolder(stateDir), seenFile(stateDir)])
    await rm(path, { recursive: true, force: true });
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    const tell = (is: boolean) => () => {
      socket.destroy();
      resolve(is);
    };
    socket.once("connect", tell(true));
    socket.once("error", tell(false));
  });
