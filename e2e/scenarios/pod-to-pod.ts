import assert from "node:assert/strict";
import { containsIp, parseCidr } from "../../src/core/net/cidr.ts";
import { parseIp } from "../../src/core/net/ip.ts";
import type { Scenario } from "../scenarios.ts";
import { onStage } from "../support/pods.ts";

/** Racks as topology.yaml carves them: the zone's two halves. */
const PREFIXES: Readonly<Record<string, readonly string[]>> = {
  "node-1": ["10.112.0.0/17", "fd10:112::/49"],
  "node-2": ["10.112.0.0/17", "fd10:112::/49"],
  "node-3": ["10.112.128.0/17", "fd10:112:0:8000::/49"],
};

export const podToPod: Scenario = {
  name: "pods of two racks have addresses of their rack's prefix and reach each other",
  run: (cluster) =>
    onStage(cluster, "pod-to-pod", async ({ pods, reaches }) => {
      const made = await pods(...cluster.nodes.map(({ name }) => ({ name: `on-${name}`, node: name })));
      for (const { node, ips } of made) {
        const prefixes = (PREFIXES[node] ?? []).map((text) => parseCidr(text));
        const inside = ips.map((text) => prefixes.some((prefix) => containsIp(prefix, parseIp(text))));
        assert.deepEqual(inside, [true, true], `${node}: ${ips.join(" ")}`);
      }
      for (const from of made)
        for (const to of made)
          for (const ip of to.ips)
            assert.equal(await reaches(from.name, ip), to.name, `${from.name} to ${ip}`);
    }),
};
