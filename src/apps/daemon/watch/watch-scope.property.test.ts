// A node that hears only what concerns it routes as one that hears everything, however its stream was cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { WatchLine } from "../../../core/api/types.ts";
import type { Scope } from "../../../core/desired/concern.ts";
import { createMirror } from "../../../core/desired/mirror.ts";
import { desiredNodeRoutes, type Node } from "../../../core/desired/node-routes.ts";
import { cidrOf } from "../../../core/net/cidr.ts";
import { parseIp } from "../../../core/net/ip.ts";
import { WatchHub } from "./watch-hub.ts";
import type { WatchChange } from "./watch-world.ts";

const noShares = { of: () => undefined, forget: () => undefined };

const CLUSTER = "c1";
const HOSTS = 5;

type Action =
  | { readonly kind: "host"; readonly host: number; readonly ips: readonly string[] }
  | { readonly kind: "no-host"; readonly host: number }
  | { readonly kind: "block"; readonly block: number; readonly host: number }
  | { readonly kind: "no-block"; readonly block: number }
  | { readonly kind: "cut" | "back" | "flush" | "reset" | "anew" };

const host = fc.nat(HOSTS - 1);
const ip = fc.constantFrom(
  "192.168.0.1",
  "192.168.0.2",
  "192.168.1.1",
  "192.168.1.2",
  "fd00::1",
  "fd00:1::1",
);
const block = fc.nat(7);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant("host"), host, ips: fc.uniqueArray(ip, { minLength: 1, maxLength: 2 }) }),
  fc.record({ kind: fc.constant("no-host"), host }),
  fc.record({ kind: fc.constant("block"), block, host }),
  fc.record({ kind: fc.constant("block"), block, host }),
  fc.record({ kind: fc.constant("no-block"), block }),
  fc.record({ kind: fc.constantFrom("cut", "back", "flush", "reset", "anew") }),
);

const cidrOfBlock = (block: number): string => (block < 4 ? `10.0.0.${block * 8}/29` : `fd01::${block}0/124`);

function changeOf(action: Action): WatchChange | undefined {
  switch (action.kind) {
    case "host": {
      const name = `h${action.host}`;
      const rest = { agent_port: 9607, tags: {}, k8s_info: {}, groups: [] };
      const value = { name, ip: action.ips[0] ?? "", ips: [...action.ips], ...rest };
      return { type: "put", kind: "host", key: name, value };
    }
    case "no-host":
      return { type: "delete", kind: "host", key: `h${action.host}` };
    case "block": {
      const cidr = cidrOfBlock(action.block);
      const value = { cidr, host: `h${action.host}`, tenant: "t", segment: "", network: "n", group: "g" };
      return { type: "put", kind: "block", key: cidr, value };
    }
    case "no-block":
      return { type: "delete", kind: "block", key: cidrOfBlock(action.block) };
    default:
      return undefined;
  }
}

/** A node's side of the stream: what it shows, and where it goes on. */
function createNode(hub: WatchHub, scope: Scope | undefined) {
  const mirror = createMirror();
  let leave: (() => void) | undefined;
  const write = (chunk: string | Buffer): void => {
    const lines = chunk
      .toString()
      .split("\n")
      .filter((text) => text !== "");
    for (const text of lines) mirror.apply(JSON.parse(text) as WatchLine);
  };
  return {
    mirror,
    come(anew = false): void {
      leave?.();
      const seen = anew ? undefined : mirror.seen;
      const from = { since: seen?.revision, cluster: seen?.cluster, scope };
      leave = hub.subscribe(from, { write, pending: () => 0, end: () => undefined });
    },
    leave(): void {
      leave?.();
    },
  };
}

/** What the hub was told last, by kind and key. */
const present = new Map<string, WatchChange>();

function perform(hub: WatchHub, node: ReturnType<typeof createNode>, action: Action, revision: number): void {
  const change = changeOf(action);
  if (change) {
    const key = `${change.kind}/${change.key}`;
    if (change.type === "put") present.set(key, change);
    else present.delete(key);
    hub.publish(revision, [change]);
  }
  if (action.kind === "cut") node.leave();
  if (action.kind === "back") node.come();
  if (action.kind === "anew") node.come(true);
  if (action.kind === "flush") hub.flush();
  if (action.kind === "reset") hub.reset(revision, [...present.values()]);
}

const subnets = (["192.168.0.9", "fd00::9"] as const).map((text) => {
  const ip = parseIp(text);
  return { ip, prefix: cidrOf(ip, ip.family === 4 ? 24 : 64), index: 2 };
});
const node: Node = { name: "h0", table: 10, subnets, pods: [] };
const scope: Scope = { host: "h0", subnets: subnets.map(({ prefix }) => prefix) };

for (const others of [0, 50])
  test(`with ${others} other nodes on its segment, a scoped node's routes are those of one that hears all`, () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        present.clear();
        const hub = new WatchHub(CLUSTER, noShares);
        hub.reset(1, []);
        const ignore = { write: () => undefined, pending: () => 0, end: () => undefined };
        for (let i = 0; i < others; i++) hub.subscribe({ scope: { ...scope, host: `other-${i}` } }, ignore);
        const [scoped, whole] = [createNode(hub, scope), createNode(hub, undefined)];
        whole.come();
        scoped.come();
        for (const [i, each] of actions.entries()) perform(hub, scoped, each, i + 2);
        scoped.come();
        hub.flush();
        assert.deepEqual(
          desiredNodeRoutes(scoped.mirror.snapshot, node),
          desiredNodeRoutes(whole.mirror.snapshot, node),
        );
      }),
      { numRuns: 300 },
    );
  });

test("a scoped node hears of nobody else", () => {
  const hub = new WatchHub(CLUSTER, noShares);
  const world: Action[] = [
    { kind: "host", host: 0, ips: ["10.9.9.9"] },
    { kind: "host", host: 1, ips: ["192.168.0.2"] },
    { kind: "host", host: 2, ips: ["192.168.1.2"] },
    { kind: "block", block: 0, host: 0 },
    { kind: "block", block: 1, host: 1 },
    { kind: "block", block: 2, host: 2 },
  ];
  hub.reset(
    1,
    world.flatMap((each) => changeOf(each) ?? []),
  );
  const scoped = createNode(hub, scope);
  const { mirror } = scoped;
  scoped.come();
  hub.publish(
    2,
    [changeOf({ kind: "block", block: 3, host: 2 })].flatMap((change) => change ?? []),
  );
  assert.deepEqual([...mirror.snapshot.hosts.keys()], ["h0", "h1"]);
  assert.deepEqual([...mirror.snapshot.blocks.keys()], ["10.0.0.0/29", "10.0.0.8/29"]);
  assert.equal(mirror.seen?.revision, 1, "not even of the revision, until the next bookmark");
});
