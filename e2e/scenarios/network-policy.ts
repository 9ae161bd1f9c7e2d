import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";
import { onStage, WEB_PORT } from "../support/pods.ts";

const policy = (name: string, ingress: readonly object[]): object => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name },
  spec: { podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Ingress"], ingress },
});

export const networkPolicy: Scenario = {
  name: "a NetworkPolicy lets in whom it names, in both families and through a Service, until it is gone",
  run: (cluster) =>
    onStage(cluster, "network-policy", async ({ pods, apply, kubectl, reaches, isKeptFrom }) => {
      const [web] = await pods(
        { name: "web", node: "node-3" },
        { name: "friend", node: "node-1", labels: { is: "friend" } },
        { name: "stranger", node: "node-3" },
      );
      await apply({
        ...{ apiVersion: "v1", kind: "Service", metadata: { name: "web" } },
        spec: { selector: { app: "web" }, ports: [{ port: WEB_PORT }] },
      });
      const service = await kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}");
      const ways = [...(web?.ips ?? []), service];
      const everybody = ["friend", "stranger"];

      for (const from of everybody) for (const to of ways) assert.equal(await reaches(from, to), "web");
      await apply(policy("nobody", []));
      for (const from of everybody) for (const to of ways) await isKeptFrom(from, to);
      const friends = [{ podSelector: { matchLabels: { is: "friend" } } }];
      await apply(policy("friends", [{ from: friends, ports: [{ port: WEB_PORT }] }]));
      for (const to of ways) {
        assert.equal(await reaches("friend", to), "web");
        await isKeptFrom("stranger", to);
      }
      await kubectl("delete", "networkpolicy", "--all");
      for (const to of ways) assert.equal(await reaches("stranger", to), "web");
    }),
};
