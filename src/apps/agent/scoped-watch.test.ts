import assert from "node:assert/strict";
import { test } from "node:test";
import type { WatchLine } from "../../core/api/types.ts";
import { createMirror } from "../../core/desired/mirror.ts";
import { parseCidr } from "../../core/net/cidr.ts";
import type { WatchOptions } from "../../io/daemon/watch-daemon.ts";
import { createScopedWatch } from "./scoped-watch.ts";

const whole: WatchLine[] = [
  { type: "reset", cluster: "c" },
  { type: "synced", revision: 7 },
];

/** A daemon that tells `whole` and then nothing until it is left; a node on the given subnets. */
function createNode() {
  const asked: WatchOptions[] = [];
  const mirror = createMirror();
  const node = { subnets: ["10.0.0.0/24"] };
  const replica = {
    async *watch(options: WatchOptions, signal: AbortSignal) {
      asked.push(options);
      yield whole;
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  };
  const scope = () => ({ host: "h", subnets: node.subnets.map((text) => parseCidr(text)) });
  return { asked, node, mirror, replica, watch: createScopedWatch({ mirror, scope, policy: undefined }) };
}

/** Takes so many chunks. */
async function take(
  { watch, mirror, replica }: ReturnType<typeof createNode>,
  chunks: number,
  after: () => void,
) {
  const stop = new AbortController();
  for await (const lines of watch.lines(replica, stop.signal)) {
    for (const line of lines) mirror.apply(line);
    if (--chunks === 0) return stop.abort();
    setImmediate(after);
  }
}

test("with other subnets than before the stream begins anew, and says what was seen", async () => {
  const node = createNode();
  await take(node, 2, () => {
    node.node.subnets = ["10.0.1.0/24"];
    node.watch.look();
  });
  const [first, second] = node.asked;
  assert.equal(first?.from, undefined);
  assert.deepEqual(second?.from, { cluster: "c", revision: 7, anew: true });
  assert.deepEqual(second.scope?.subnets, [parseCidr("10.0.1.0/24")]);
});

test("with the same subnets it goes on, and the next connection resumes", async () => {
  const node = createNode();
  const stop = new AbortController();
  const lines = node.watch.lines(node.replica, stop.signal);
  await lines.next();
  for (const line of whole) node.mirror.apply(line);
  const ended = lines.next();
  node.watch.look();
  stop.abort();
  assert.equal((await ended).done, true);
  await take(node, 1, () => undefined);
  assert.deepEqual(
    node.asked.map(({ from }) => from),
    [undefined, { cluster: "c", revision: 7, anew: false }],
  );
});
