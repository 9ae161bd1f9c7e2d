// What pods cost a node and the daemon. Between scenarios no pod has a network: what is then there has leaked.
import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "../../test/support/eventually.ts";
import type { AddressList } from "../../src/core/api/types.ts";
import type { Cluster } from "./cluster.ts";
import { CONTROL, netnsOf } from "./network.ts";
import type { ClusterNode } from "./node.ts";
import { fileOf } from "./place.ts";
import { must } from "./run.ts";

type Ledger = Readonly<Record<string, readonly string[]>>;

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .sort();

/** At the daemon, as an administrator. */
export async function askDaemon<Reply>({ nodes }: Cluster, path: string): Promise<Reply> {
  const token = `Authorization: Bearer $(cat ${fileOf("pki", "admin.token")})`;
  const script = `curl -gsSf -m 10 --cacert ${fileOf("pki", "romana-ca.pem")} -H "${token}" "$0"`;
  const url = `https://${nodes[0]?.ips[0] ?? ""}:9600${path}`;
  const ask = (): Promise<string> => must(["sh", "-c", script, url], { netns: netnsOf(CONTROL) });
  return JSON.parse(await eventually(ask, { within: 60_000, every: 500 })) as Reply;
}

/** Of one node. */
export async function readLedger(cluster: Cluster, node: ClusterNode): Promise<Ledger> {
  const sh = async (script: string): Promise<string[]> => lines(await node.exec(["sh", "-c", script]));
  const { addresses } = await askDaemon<AddressList>(cluster, `/addresses?host=${node.name}`);
  return {
    addresses: addresses.flatMap(({ ips }) => ips).sort(),
    links: await sh("ip -o link | grep -o ' rom[^:@]*' || true"),
    podRoutes: await sh(
      "ip -4 route show table 10 | grep 'dev rom' || true; ip -6 route show table 10 | grep 'dev rom' || true",
    ),
    namespaces: await sh("ls /run/netns"),
    endpoints: await sh(`ls ${join("/var/lib/romana", "endpoints")} 2>/dev/null || true`),
  };
}

export const untilNothingIsLeft = (cluster: Cluster, node: ClusterNode): Promise<void> =>
  eventually(
    async () => {
      const left = Object.entries(await readLedger(cluster, node)).filter(
        ([, entries]) => entries.length > 0,
      );
      assert.deepEqual(left, []);
    },
    // Pods without a grace period are gone from the API long before their node has taken them down.
    { within: 300_000, every: 2000 },
  );
