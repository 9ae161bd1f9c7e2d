import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../../../test/support/fake-clock.ts";
import type { Mirror } from "../../../core/desired/mirror.ts";
import { OPEN_POLICY } from "../../../core/desired/node-ruleset.ts";
import type { NodePolicy } from "../../../core/model/node-policy.ts";
import { parseIp } from "../../../core/net/ip.ts";
import { createShare } from "./share.ts";

const share = (id: string, ...ips: string[]): NodePolicy => ({
  ...OPEN_POLICY,
  pods: new Map([[id, { id, ips: ips.map((text) => parseIp(text)), ingress: undefined, egress: undefined }]]),
});
const web = { name: "romana/c/eth0", pod: "shop/web", ips: ["10.0.0.1", "fd00::1"] };

function createBench(isEnforced = true) {
  const mirror: { policy: Mirror["policy"] } = { policy: undefined };
  const clock = createFakeClock();
  const told = createShare(isEnforced, { mirror, clock });
  const tell = (policy: Mirror["policy"]): boolean => {
    mirror.policy = policy;
    return told.heard();
  };
  return { clock, told, tell };
}

test("a pod is known when all its addresses are, under its name or that of its address", async () => {
  const { told, tell } = createBench();
  let known = 0;
  const waits = [told.has(web), told.has({ ...web, pod: undefined } as never)].map((each) =>
    each.then(() => known++),
  );
  assert.equal(tell(share("shop/web", "10.0.0.1")), false);
  await Promise.resolve();
  assert.equal(known, 0);
  assert.equal(tell(share("shop/web", "10.0.0.1", "fd00::1")), true, "somebody goes on");
  await waits[0];
  tell(share("romana/c/eth0", "10.0.0.1", "fd00::1"));
  await waits[1];
  assert.equal(known, 2);
});

test("where there are no policies, or they have no say, nobody waits", async () => {
  const { told, tell } = createBench();
  tell("none");
  await told.has(web);
  await createBench(false).told.has(web);
});

test("a pod that the daemon does not tell of within two seconds is refused by name", async () => {
  const { clock, told, tell } = createBench();
  tell(share("shop/db", "10.0.0.2"));
  const late = assert.rejects(told.has(web), { code: "POLICY_LATE", message: /within 2 s.*shop\/web/ });
  await clock.advance(2000);
  await late;
});
