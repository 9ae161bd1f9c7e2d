// Real etcd for tests and benches: members on loopback addresses of this process's own, their data in a temporary folder. What an
// operator would do with etcdctl goes over etcd's JSON gateway, so that nothing of the driver is needed to look behind it.
import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Bed, stop } from "./bed.ts";
import { eventually } from "./eventually.ts";

export type EtcdFiles = { readonly ca: string; readonly cert: string; readonly key: string };
export type EtcdSetup = {
  /** Members; 1. */
  readonly size?: number;
  readonly args?: readonly string[];
  /** Certificate files of the members; clients must then show one of the same CA. */
  readonly tls?: EtcdFiles;
};

export interface EtcdMember {
  readonly url: string;
  /** The folder with its data. */
  readonly data: string;
  /** Of its process, while there is one. */
  readonly pid: number | undefined;
  /** With more `args`; `empty`: without the data it had. Resolves when it is healthy. */
  start(how?: { readonly empty?: boolean; readonly args?: readonly string[] }): Promise<void>;
  /** Resolves when it has a leader and answers. */
  healthy(): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** A method of the JSON gateway, as "kv/put"; without TLS only. Throws what etcd says. */
  post(method: string, body: Record<string, unknown>): Promise<Record<string, unknown>>;
}

export interface EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly urls: readonly string[];
  dispose(): Promise<void>;
}

let clusters = 0;

/** An address that no other process uses: tests run at the same time. */
export function loopbackOfProcess(): string {
  const { pid } = process;
  return `127.${64 + ((pid >> 14) & 63)}.${(pid >> 7) & 127}.${1 + (pid & 127)}`;
}

/** Resolves when the members have a leader. */
export async function startEtcd({ size = 1, args = [], tls }: EtcdSetup = {}): Promise<EtcdCluster> {
  const bed = new Bed("source");
  const base = 2400 + 10 * clusters++;
  const peers = Array.from({ length: size }, (_, i) => `m${i}=${urlOf(base + 3 * i + 1)}`);
  const common = ["--initial-cluster", peers.join(","), "--heartbeat-interval", "100", ...args];
  const members = peers.map((_, i) =>
    createMember(bed, `m${i}`, base + 3 * i, [...common, ...tlsArgs(tls)], tls),
  );
  const dispose = async (): Promise<void> => {
    for (const member of members) await member.kill("SIGKILL");
    await bed.dispose();
  };
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    const logs = members.map((_, i) => bed.log(`m${i}`)).join("\n");
    await dispose();
    throw new Error(`etcd did not start:\n${logs}`, { cause: error });
  }
  return { members, urls: members.map(({ url }) => url), dispose };
}

const urlOf = (port: number, scheme = "http"): string => `${scheme}://${loopbackOfProcess()}:${port}`;

function tlsArgs(tls: EtcdFiles | undefined): string[] {
  if (!tls) return [];
  const { ca, cert, key } = tls;
  return ["--trusted-ca-file", ca, "--cert-file", cert, "--key-file", key, "--client-cert-auth"];
}

function createMember(
  bed: Bed,
  name: string,
  port: number,
  args: readonly string[],
  tls: EtcdFiles | undefined,
): EtcdMember {
  const url = urlOf(port, tls ? "https" : "http");
  const [peer, metrics] = [urlOf(port + 1), urlOf(port + 2)];
  const own = ["--name", name, "--data-dir", join(bed.dir, name), "--listen-metrics-urls", metrics];
  const urls = ["--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer];
  const data = join(bed.dir, name);
  let child: ChildProcess | undefined;
  const healthy = (): Promise<void> =>
    eventually(async () => checkHealthy(await fetch(`${metrics}/health`)), { within: 20_000 });
  return {
    ...{ url, data },
    get pid() {
      return child?.pid;
    },
    healthy,
    async start({ empty = false, args: more = [] } = {}) {
      if (empty) rmSync(data, { recursive: true });
      const argv = ["etcd", ...own, ...urls, "--initial-advertise-peer-urls", peer, ...args, ...more];
      child = bed.start(name, argv);
      await healthy();
    },
    async kill(signal = "SIGKILL") {
      if (child) await stop(child, signal);
    },
    signal: (signal) => void child?.kill(signal),
    async post(method, body) {
      const reply = await fetch(`${url}/v3/${method}`, { method: "POST", body: JSON.stringify(body) });
      const said = (await reply.json()) as Record<string, unknown>;
      if (!reply.ok) throw new Error(`etcd: ${method}: ${JSON.stringify(said)}`);
      return said;
    },
  };
}

async function checkHealthy(reply: Response): Promise<void> {
  const { health } = (await reply.json()) as { health: string };
  if (health !== "true") throw new Error(`health: ${health}`);
}
