// Tenants, pods and policies that change at the API, and what each node must know of them then.
import assert from "node:assert/strict";
import type { Call } from "../../../../../test/support/daemon.ts";
import type { Rng } from "../../../../base/clock.ts";
import { createPolicyIndex } from "../../../../core/policy/policy-index.ts";
import type { Daemon } from "../../daemon.ts";
import { RecordedWorld } from "../recorded-world.ts";

export const HOSTS = ["h1", "h2", "h3"];

/** From nothing but the records. */
export function shareOf({ mirror }: Pick<Daemon, "mirror">, host: string) {
  if (mirror.state.policies.size === 0) return "none";
  const index = createPolicyIndex();
  index.apply(new RecordedWorld(mirror.state).whole());
  return index.nodePolicy(host);
}

export const policy = (id: string, more: object = {}) => ({
  id,
  applied_to: [{ tenant_id: "shop", segment_id: "db" }],
  ingress: [{ peers: [{ tenant_id: "shop", segment_id: "web" }], rules: [{ protocol: "tcp", ports: [80] }] }],
  ...more,
});

/** One change at the API, whatever comes of it. */
export async function change(call: Call, rng: Rng): Promise<void> {
  const pick = <T>(...list: readonly T[]): T => list[Math.floor(rng() * list.length)] ?? assert.fail();
  const host = pick(...HOSTS);
  const tenant = pick("shop", "bank");
  const name = `p${Math.floor(rng() * 12)}`;
  const pod = `${tenant}/${name}`;
  const id = pick("a", "b", "c");
  const labels = pick({ "romana.io/segment": "db" }, { "romana.io/segment": "web" }, {});
  const more = pick(
    {},
    { direction: "egress" },
    { applied_to: [{ tenant_id: "bank" }, { dest: "host" }] },
    { applied_to: [{ namespace_selector: { matchLabels: { team: "x" } } }] },
  );
  const steps: readonly (() => Promise<unknown>)[] = [
    () => call("POST /address", { name, host, tenant, segment: pick("db", "web", "") }),
    () => call("POST /address", { name: `k-${name}`, host, tenant, pod }),
    () => call(`DELETE /address?addressName=${pick(name, `k-${name}`)}`),
    () => call("POST /policies", policy(id, more)),
    () => call("POST /pods", { put: [{ id: pod, host, labels }] }),
    () => call("POST /pods", { delete: [pod] }),
    () => call("POST /tenants", { put: [{ id: tenant, labels: pick({}, { team: "x" }) }] }),
    () => (rng() < 0.5 ? call(`DELETE /policies/${id}`) : call("POST /tenants", { delete: [tenant] })),
  ];
  await pick(...steps)();
}
