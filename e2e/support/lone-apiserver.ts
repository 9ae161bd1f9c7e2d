// An API server and its etcd on loopback, without a cluster: to be restarted and made to forget as no cluster should be.
import { type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Bed, stop } from "../../test/support/bed.ts";
import { loopbackOfProcess, startEtcd } from "../../test/support/etcd.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createKubeClient, type KubeClient } from "../../src/io/kube/kube-client.ts";
import type { KubeAccess } from "../../src/io/kube/kube-access.ts";
import { API_PORT, credentials } from "./certificates.ts";
import { apiserverFlags } from "./control-plane.ts";

export interface LoneApiserver {
  readonly url: URL;
  /** As an administrator. */
  readonly client: KubeClient;
  /** The same rights, through another address. */
  access(server: URL): KubeAccess;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** etcd forgets all before its present revision; a server that starts after it knows no more either. */
  compact(): Promise<void>;
  dispose(): Promise<void>;
}

export async function createLoneApiserver(bin: string): Promise<LoneApiserver> {
  const etcd = await startEtcd();
  const bed = new Bed("source");
  const host = loopbackOfProcess();
  const url = new URL(`https://${host}:${API_PORT}`);
  const { ca, cert, key } = credentials.user("admin");
  const pems = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
  const access = (server: URL): KubeAccess => ({
    ...{ server, serverName: "kubernetes", namespace: "default" },
    ...{ pems: () => pems, token: () => undefined },
  });
  const client = createKubeClient(access(url));
  let child: ChildProcess | undefined;
  const end = async (): Promise<void> => {
    if (child) await stop(child, "SIGKILL");
  };
  return {
    ...{ url, client, access, stop: end },
    async start() {
      const flags = apiserverFlags(host, etcd.urls.join(","));
      child = bed.start("apiserver", [join(bin, "kube-apiserver"), ...flags, `--bind-address=${host}`]);
      await eventually(() => client.ask("GET", "/api/v1/namespaces/default"), {
        within: 120_000,
        every: 200,
      });
    },
    async compact() {
      const [member] = etcd.members;
      const { header } = (await member?.post("kv/range", { key: "AA==" })) as {
        header: { revision: string };
      };
      await member?.post("kv/compaction", { revision: header.revision, physical: true });
    },
    async dispose() {
      client.close();
      await end();
      await bed.dispose();
      await etcd.dispose();
    },
  };
}
