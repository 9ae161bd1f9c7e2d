// Pods that come and go on a node without a pause, as a runtime makes them: what the plugin says, and whether two pods ever have one address.
import type { CniReply } from "../../test/support/cni-plugin.ts";
import { eventually } from "../../test/support/eventually.ts";
import type { FaultNode } from "./bed/fault-node.ts";

export type Churn = {
  /** Resolves when in each namespace a pod was added and deleted that was not yet begun with. */
  pass(): Promise<void>;
  /** Resolves when all pods are gone: how many there were, and what went wrong. */
  stop(): Promise<{ readonly pods: number; readonly faults: readonly string[] }>;
};

const WITHIN = { within: 60_000 };
let churns = 0;

/** One pod at a time in each of `namespaces`. */
export function startChurn(node: FaultNode, tenant: string, namespaces: readonly string[]): Churn {
  const name = `churn-${++churns}`;
  const faults: string[] = [];
  const holders = new Map<string, string>();
  const rounds = namespaces.map(() => 0);
  let isOver = false;
  const tell = (what: string, { code, json }: CniReply): void => {
    if (code !== 0) faults.push(`${what}: ${json?.code}: ${json?.msg}; ${json?.details}`);
  };
  const live = async (id: string, netns: string): Promise<void> => {
    const reply = await node.cni("ADD", { id, netns, args: `ROMANA_TENANT=${tenant}` });
    tell(`ADD ${id}`, reply);
    const ips = reply.code === 0 ? (reply.json?.ips ?? []).map(({ address }) => address) : [];
    for (const ip of ips) {
      const other = holders.get(ip);
      if (other !== undefined) faults.push(`${ip} is ${id}'s and ${other}'s`);
      holders.set(ip, id);
    }
    // From when DEL begins another may have them.
    for (const ip of ips) holders.delete(ip);
    await eventually(async () => {
      const deleted = await node.cni("DEL", { id, netns });
      tell(`DEL ${id}`, deleted);
      if (deleted.code !== 0) throw new Error(`${id} is not deleted`);
    }, WITHIN);
  };
  const workers = namespaces.map(async (netns, i) => {
    while (!isOver)
      await live(`${name}-${i}-${rounds[i]}`, netns).then(() => (rounds[i] = (rounds[i] ?? 0) + 1));
  });
  return {
    pass() {
      const wanted = rounds.map((count) => count + 2);
      const behind = (): boolean => rounds.some((count, i) => count < (wanted[i] ?? 0));
      return eventually(() => {
        if (behind()) throw new Error(`pods do not come and go: ${faults.join("\n")}`);
      }, WITHIN);
    },
    async stop() {
      isOver = true;
      await Promise.all(workers);
      return { pods: rounds.reduce((sum, count) => sum + count, 0), faults };
    },
  };
}
