import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlockView, WatchLine } from "../../../core/api/types.ts";
import { WatchHub, type WatchSink } from "./watch-hub.ts";
import type { WatchChange } from "./watch-world.ts";

const pods = { delta: "{}", isOfPods: true };
const noShares = { of: () => undefined, forget: () => undefined };

function sink(): WatchSink & { lines(): string[]; ended: string; backlog: number } {
  const chunks: string[] = [];
  const lines = (): WatchLine[] =>
    chunks
      .join("")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as WatchLine);
  return {
    ended: "",
    backlog: 0,
    write: (chunk) => void chunks.push(chunk.toString()),
    pending() {
      return this.backlog;
    },
    end(cut) {
      this.ended = cut ? "cut" : "ended";
    },
    lines: () => lines().map((line) => ("key" in line ? `${line.type} ${line.key}` : line.type)),
  };
}
const view = (cidr: string, host = "h1"): BlockView => ({
  ...{ cidr, host, tenant: "t", segment: "" },
  ...{ network: "n", group: "g" },
});
const put = (cidr: string, host?: string): WatchChange => ({
  ...{ type: "put", kind: "block", key: cidr },
  value: view(cidr, host),
});
const drop = (cidr: string): WatchChange => ({ type: "delete", kind: "block", key: cidr });
const hubAt = (revision: number, ...changes: WatchChange[]): WatchHub => {
  const hub = new WatchHub("c1", noShares);
  hub.reset(revision, changes);
  return hub;
};

test("a new watcher gets a reset with everything, then synced, then changes with a bookmark each", () => {
  const hub = hubAt(5, put("a"), put("b"));
  const watcher = sink();
  hub.subscribe({}, watcher);
  hub.publish(6, [put("c"), drop("a")]);
  const expected = ["reset", "put a", "put b", "synced", "put c", "delete a", "bookmark"];
  assert.deepEqual(watcher.lines(), expected);
});

test("a watcher that comes back is sent what it missed, from its own revision on", () => {
  const hub = hubAt(5, put("a"));
  for (const [i, cidr] of ["b", "c", "d"].entries()) hub.publish(6 + i, [put(cidr)]);
  const watcher = sink();
  hub.subscribe({ since: 7, cluster: "c1" }, watcher);
  assert.deepEqual(watcher.lines(), ["resume", "put c", "put d", "synced"]);
});

const resets: [string, { since?: number; cluster?: string }][] = [
  ["that names no revision", { cluster: "c1" }],
  ["that names no cluster", { since: 6 }],
  ["of another cluster", { since: 6, cluster: "c2" }],
  ["from before what is remembered", { since: 4, cluster: "c1" }],
  ["from beyond the present revision", { since: 99, cluster: "c1" }],
];
for (const [name, from] of resets)
  test(`a watcher ${name} gets a reset`, () => {
    const hub = hubAt(5, put("a"));
    hub.publish(6, [put("b")]);
    const watcher = sink();
    hub.subscribe(from, watcher);
    assert.deepEqual(watcher.lines(), ["reset", "put a", "put b", "synced"]);
  });

test("what changes nothing for agents is not told, but moves the revision", () => {
  const hub = hubAt(5, put("a"));
  const watcher = sink();
  hub.subscribe({ since: 5, cluster: "c1" }, watcher);
  hub.publish(6, [put("a")]);
  hub.publish(7, [drop("b")]);
  assert.deepEqual(watcher.lines(), ["resume", "synced"]);
  hub.bookmark();
  assert.deepEqual(watcher.lines(), ["resume", "synced", "bookmark"]);
  const late = sink();
  hub.subscribe({ since: 7, cluster: "c1" }, late);
  assert.deepEqual(late.lines(), ["resume", "synced"]);
});

test("a watcher that does not read is cut off, the others are not", () => {
  const hub = hubAt(5);
  const [slow, quick] = [sink(), sink()];
  for (const watcher of [slow, quick]) hub.subscribe({}, watcher);
  slow.backlog = 64 * 1024 * 1024;
  hub.publish(6, [put("a")]);
  assert.deepEqual([slow.ended, slow.lines()], ["cut", ["reset", "synced"]]);
  assert.deepEqual([quick.ended, quick.lines().length], ["", 4]);
  assert.equal(hub.watchers, 1);
});

test("whoever resumes from any revision ends up with the present state, or is reset", () => {
  const hub = hubAt(0);
  const states = [new Map<string, string>()];
  const present = new Map<string, string>();
  for (let revision = 1; revision <= 40; revision++) {
    const cidr = `b${(revision * 7) % 5}`;
    if (present.has(cidr) && revision % 3 === 0) {
      present.delete(cidr);
      hub.publish(revision, [drop(cidr)]);
    } else {
      present.set(cidr, `h${revision}`);
      hub.publish(revision, [put(cidr, `h${revision}`)]);
    }
    states.push(new Map(present));
  }
  for (const [since, state] of states.entries()) {
    const copy = new Map(state);
    hub.subscribe(
      { since, cluster: "c1" },
      { ...sink(), write: (chunk) => applyLines(copy, chunk.toString()) },
    );
    assert.deepEqual(new Map([...copy].sort()), new Map([...present].sort()), `since ${since}`);
  }
});

function applyLines(copy: Map<string, string>, chunk: string): void {
  for (const text of chunk.split("\n").filter(Boolean)) {
    const line = JSON.parse(text) as WatchLine;
    if (line.type === "reset") copy.clear();
    if (line.type === "delete") copy.delete(line.key);
    if (line.type === "put" && line.kind === "block") copy.set(line.key, line.value.host);
  }
}

test("what concerns more than forty is sent with what follows at the next flush; what concerns few, at once", () => {
  const hub = hubAt(5);
  const sinks = Array.from({ length: 40 }, sink);
  for (const each of sinks) hub.subscribe({ since: 5, cluster: "c1" }, each);
  hub.publish(6, [put("a")]);
  assert.deepEqual(sinks[0]?.lines(), ["resume", "synced", "put a", "bookmark"]);
  const last = sink();
  hub.subscribe({ since: 6, cluster: "c1" }, last);
  hub.publish(7, [put("b")]);
  hub.publish(8, [drop("a")]);
  assert.equal(last.lines().length, 3);
  hub.flush();
  assert.deepEqual(last.lines().slice(3), ["put b", "delete a", "bookmark"]);
  hub.publish(9, [put("c")]);
  hub.bookmark();
  assert.deepEqual(last.lines().slice(6), ["put c", "bookmark", "bookmark"], "none is passed by a bookmark");
});

test("a share that is not known yet is told when it is, and only then what changes in it", () => {
  const shares = new Map<string, string>();
  const forgotten: string[] = [];
  const hub = new WatchHub("c1", {
    of: (host) => shares.get(host),
    forget: (host) => void forgotten.push(host),
  });
  hub.reset(5, []);
  const watcher = sink();
  const leave = hub.subscribe({ policy: "h1" }, watcher);
  hub.publish(6, [], new Map([["h1", pods]]));
  assert.equal(hub.tellShares(1), false);
  assert.deepEqual(watcher.lines(), ["reset", "synced"]);
  shares.set("h1", "null");
  assert.equal(hub.tellShares(1), true);
  hub.publish(
    7,
    [],
    new Map([
      ["h1", pods],
      ["h2", pods],
    ]),
  );
  const told = ["reset", "synced", "policy", "bookmark", "policy-change", "bookmark"];
  assert.deepEqual(watcher.lines(), told);
  hub.renewShares();
  hub.publish(8, [], new Map([["h1", pods]]));
  assert.deepEqual(watcher.lines(), told, "of what is void no change is told");
  hub.tellShares(1);
  assert.deepEqual(watcher.lines(), [...told, "policy", "bookmark"]);
  leave();
  assert.deepEqual(forgotten, ["h1"]);
});

test("a change in the shares of more than forty is held for the next flush, and is whole after a renewal", () => {
  const hub = new WatchHub("c1", { ...noShares, of: () => "{}" });
  hub.reset(5, []);
  const sinks = Array.from({ length: 41 }, sink);
  const hosts = sinks.map((_, i) => `h${i}`);
  for (const [i, each] of sinks.entries())
    hub.subscribe({ policy: `h${i}`, scope: { host: `h${i}`, subnets: [] } }, each);
  const all = new Map(hosts.map((host) => [host, pods]));
  hub.publish(6, [], all);
  hub.publish(7, [], all);
  assert.equal(sinks[0]?.lines().length, 4);
  hub.flush();
  assert.deepEqual(sinks[0]?.lines().slice(4), ["policy-change", "policy-change", "bookmark"]);
  hub.publish(8, [], all);
  hub.reset(9, []);
  assert.deepEqual(sinks[0]?.lines().slice(7), ["reset", "synced", "policy", "bookmark"]);
});

test("the node of a pod that comes hears at once of what concerns more than forty, with what was held for it", () => {
  const hub = new WatchHub("c1", { ...noShares, of: () => "{}" });
  hub.reset(5, []);
  const sinks = Array.from({ length: 41 }, sink);
  for (const [i, each] of sinks.entries())
    hub.subscribe({ policy: `h${i}`, scope: { host: `h${i}`, subnets: [] } }, each);
  const changes = (own: string) =>
    new Map(sinks.map((_, i) => [`h${i}`, { delta: "{}", isOfPods: own === `h${i}` }]));
  hub.publish(6, [], changes("elsewhere"));
  hub.publish(7, [], changes("h1"));
  assert.deepEqual(sinks[1]?.lines().slice(4), ["policy-change", "policy-change", "bookmark"]);
  assert.equal(sinks[0]?.lines().length, 4);
  hub.flush();
  assert.deepEqual(
    sinks.slice(0, 2).map((each) => each.lines().length),
    [7, 7],
  );
});

test("closing ends every stream", () => {
  const hub = hubAt(5);
  const watcher = sink();
  hub.subscribe({}, watcher);
  hub.close();
  assert.equal(watcher.ended, "ended");
});
