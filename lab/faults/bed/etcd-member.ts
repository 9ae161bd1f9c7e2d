// A member of etcd in a place and on a disk of its own; what an operator does with etcdctl goes over its JSON gateway.
import { type ChildProcess, execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Bed, stop } from "../../../test/support/bed.ts";
import { eventually } from "../../../test/support/eventually.ts";
import { type Disk, mountDisk } from "./disk.ts";
import type { Place } from "./place.ts";

export interface EtcdMember {
  readonly place: Place;
  readonly disk: Disk;
  readonly url: string;
  /** Resolves when it answers and knows a leader. */
  start(): Promise<void>;
  ready(): Promise<void>;
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** A method of the gateway, as "kv/range". Throws what etcd says. */
  post<Reply>(method: string, body: unknown): Promise<Reply>;
}

const execute = promisify(execFile);
const CLIENT_PORT = 2379;
const PEER_PORT = 2380;
/** Milliseconds. A machine that has other work makes everything slow. */
const READY_WITHIN = 300_000;

export function createMembers(bed: Bed, places: readonly Place[]): EtcdMember[] {
  const cluster = places.map(({ name, address }) => `${name}=http://${address}:${PEER_PORT}`).join(",");
  return places.map((place) => createMember(bed, place, cluster));
}

// long: the object that is the member
function createMember(bed: Bed, place: Place, cluster: string): EtcdMember {
  const disk = mountDisk(bed, `disk-${place.name}`);
  const url = `http://${place.address}:${CLIENT_PORT}`;
  const peer = `http://${place.address}:${PEER_PORT}`;
  const argv = [
    ...["etcd", "--name", place.name, "--data-dir", join(disk.path, "data"), "--logger", "zap"],
    ...["--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer],
    ...["--initial-advertise-peer-urls", peer, "--initial-cluster", cluster],
    ...["--heartbeat-interval", "100", "--election-timeout", "1000", "--log-level", "error"],
  ];
  let child: ChildProcess | undefined;
  const member: EtcdMember = {
    ...{ place, disk, url },
    async start() {
      child = bed.start(place.name, argv, place.netns);
      await member.ready();
    },
    ready: () =>
      eventually(() => member.post("kv/range", { key: "AA==" }), { within: READY_WITHIN, every: 100 }).then(
        () => undefined,
      ),
    async kill() {
      if (child) await stop(child, "SIGKILL");
    },
    signal: (signal) => void child?.kill(signal),
    async post<Reply>(method: string, body: unknown) {
      const call = ["curl", "-sS", "--max-time", "20", "-d", JSON.stringify(body), `${url}/v3/${method}`];
      const options = { maxBuffer: 2 ** 30 };
      const { stdout } = await execute("nsenter", [`--net=${place.netns}`, "--", ...call], options);
      const said = JSON.parse(stdout) as Reply & { error?: string };
      if (said.error !== undefined) throw new Error(`etcd: ${method}: ${said.error}`);
      return said;
    },
  };
  return member;
}

type Status = {
  readonly header: { readonly member_id: string };
  readonly leader: string;
};

/** The one that leads now, as soon as one does. */
export function leaderOf(members: readonly EtcdMember[]): Promise<EtcdMember> {
  return eventually(async () => {
    for (const member of members) {
      const { header, leader } = await member.post<Status>("maintenance/status", {});
      if (header.member_id === leader) return member;
    }
    throw new Error("etcd has no leader");
  });
}
