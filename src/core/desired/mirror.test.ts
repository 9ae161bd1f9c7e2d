import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { blockLine, goneLine, hostLine, worldLines } from "../../../test/support/watch-lines.ts";
import type { WatchLine } from "../api/types.ts";
import { createMirror, type Mirror } from "./mirror.ts";

const applyAll = (mirror: Mirror, lines: readonly WatchLine[]): boolean[] =>
  lines.map((line) => mirror.apply(line));
const blocksOf = ({ snapshot }: Mirror): string[] =>
  [...snapshot.blocks.values()].map(({ host }) => host).sort();
const reset = (cluster = "c"): WatchLine => ({ type: "reset", cluster });
const synced = (revision: number): WatchLine => ({ type: "synced", revision });
const bookmark = (revision: number): WatchLine => ({ type: "bookmark", revision });

test("before the first synced nothing is shown and nothing was seen", () => {
  const mirror = createMirror();
  applyAll(mirror, [reset(), hostLine("a", "192.168.0.1"), blockLine("10.0.0.0/29", "a")]);
  assert.deepEqual([mirror.synced, mirror.seen, blocksOf(mirror)], [false, undefined, []]);
  assert.equal(mirror.apply(synced(7)), true);
  assert.deepEqual(
    [mirror.synced, mirror.seen, blocksOf(mirror)],
    [true, { cluster: "c", revision: 7 }, ["a"]],
  );
});

test("a reset is invisible until its synced: what was there stays", () => {
  const mirror = createMirror();
  applyAll(mirror, worldLines(blockLine("10.0.0.0/29", "a")));
  assert.deepEqual(applyAll(mirror, [reset("other"), blockLine("10.0.0.8/29", "b")]), [false, false]);
  assert.deepEqual(blocksOf(mirror), ["a"]);
  assert.deepEqual(mirror.seen, { cluster: "c", revision: 1 }, "of the world that is shown");
  mirror.apply(synced(3));
  assert.deepEqual([blocksOf(mirror), mirror.seen], [["b"], { cluster: "other", revision: 3 }]);
});

test("a stream that resumes after a reset was cut goes on from what is shown, not from the half", () => {
  const mirror = createMirror();
  applyAll(mirror, worldLines(blockLine("10.0.0.0/29", "a"), blockLine("10.0.0.8/29", "b")));
  applyAll(mirror, [reset(), blockLine("10.0.0.0/29", "a")]);
  applyAll(mirror, [{ type: "resume", cluster: "c" }, blockLine("10.0.0.16/29", "d"), synced(4)]);
  assert.deepEqual(blocksOf(mirror), ["a", "b", "d"]);
});

test("changes are seen as they come, their revision only when it is whole", () => {
  const mirror = createMirror();
  applyAll(mirror, worldLines());
  assert.deepEqual(
    applyAll(mirror, [
      blockLine("10.0.0.0/29", "a"),
      bookmark(5),
      goneLine("block", "10.0.0.0/29"),
      bookmark(6),
    ]),
    [true, false, true, false],
  );
  applyAll(mirror, [blockLine("10.0.0.8/29", "b")]);
  assert.deepEqual([blocksOf(mirror), mirror.seen], [["b"], { cluster: "c", revision: 6 }]);
});

const garbage: readonly (readonly [string, WatchLine])[] = [
  ["a prefix with host bits", blockLine("10.0.0.1/29", "a")],
  ["no prefix", blockLine("nonsense", "a")],
  ["no address", hostLine("a", "192.168.0")],
  ["no value at all", { ...blockLine("10.0.0.8/29", "a"), value: undefined } as unknown as WatchLine],
];
for (const [what, line] of garbage)
  test(`a line with ${what} throws and changes nothing`, () => {
    const mirror = createMirror();
    applyAll(mirror, worldLines(hostLine("h", "192.168.0.1"), blockLine("10.0.0.0/29", "h")));
    assert.throws(() => mirror.apply(line));
    assert.deepEqual([blocksOf(mirror), mirror.snapshot.hosts.size, mirror.seen?.revision], [["h"], 1, 1]);
  });

test("a topology that cannot be read is as none: blocks are routed without it", () => {
  const mirror = createMirror();
  const value = { networks: "nonsense" } as unknown as Extract<
    WatchLine,
    { kind: "topology"; type: "put" }
  >["value"];
  applyAll(mirror, worldLines({ type: "put", kind: "topology", key: "topology", revision: 1, value }));
  assert.deepEqual([mirror.synced, mirror.snapshot.topology.networks], [true, []]);
});

type Step = { readonly block: number; readonly host: string };
const keyOf = (block: number): string => `10.0.0.${block * 8}/29`;
/** A daemon's history: block n belongs to host, or to nobody. */
const steps = fc.array(fc.record({ block: fc.nat(5), host: fc.constantFrom("a", "b", "") }), {
  minLength: 1,
  maxLength: 12,
});

test("law: however often the stream is cut and wherever, the mirror ends as the daemon's world", () => {
  const lineOf = ({ block, host }: Step): WatchLine =>
    host === "" ? goneLine("block", keyOf(block)) : blockLine(keyOf(block), host);
  const worldAt = (history: readonly Step[]): Map<string, string> => {
    const world = new Map<string, string>();
    for (const { block, host } of history)
      if (host === "") world.delete(keyOf(block));
      else world.set(keyOf(block), host);
    return world;
  };
  fc.assert(
    fc.property(steps, fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 5 }), (history, cuts) => {
      const mirror = createMirror();
      const stream = (canResume: boolean): WatchLine[] => {
        const since = mirror.seen?.revision;
        if (canResume && since !== undefined) {
          // Inclusive, as the daemon's: a revision may have been cut in the middle.
          const missed = history.slice(Math.max(0, since - 1)).map(lineOf);
          return [{ type: "resume", cluster: "c" }, ...missed, synced(history.length)];
        }
        const whole = [...worldAt(history)].map(([cidr, host]) => blockLine(cidr, host));
        return [reset(), ...whole, synced(history.length)];
      };
      for (const [canResume, at] of cuts) applyAll(mirror, stream(canResume).slice(0, at));
      applyAll(mirror, stream(true));
      const seen = new Map([...mirror.snapshot.blocks].map(([cidr, { host }]) => [cidr, host]));
      assert.deepEqual([...seen].sort(), [...worldAt(history)].sort());
    }),
  );
});
