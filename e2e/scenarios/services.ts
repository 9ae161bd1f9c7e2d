import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";
import { onStage, WEB_PORT } from "../support/pods.ts";

const service = (name: string, spec: object): object => ({
  ...{ apiVersion: "v1", kind: "Service", metadata: { name } },
  spec: { ipFamilyPolicy: "PreferDualStack", ports: [{ port: 80, targetPort: WEB_PORT }], ...spec },
});

export const services: Scenario = {
  name: "pods reach Services in the own and the other rack, by cluster address and by node port",
  run: (cluster) =>
    onStage(cluster, "services", async ({ pods, apply, kubectl, reaches }) => {
      const nodes = cluster.nodes.map(({ name }) => name);
      const made = await pods(...nodes.map((node) => ({ name: `on-${node}`, node })));
      await apply(...made.map(({ name }) => service(name, { selector: { app: name }, type: "NodePort" })));
      for (const { name } of made) {
        const { spec } = JSON.parse(await kubectl("get", "service", name, "-o", "json")) as ServiceJson;
        assert.equal(spec.clusterIPs.length, 2);
        for (const from of made)
          for (const ip of spec.clusterIPs) assert.equal(await reaches(from.name, ip, 80), name);
        const port = spec.ports[0]?.nodePort ?? 0;
        for (const { ips } of cluster.nodes)
          assert.equal(await reaches("on-node-1", ips[0] ?? "", port), name);
      }
    }),
};

type ServiceJson = { spec: { clusterIPs: string[]; ports: { nodePort: number }[] } };
