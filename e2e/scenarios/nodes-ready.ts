import assert from "node:assert/strict";
import type { Scenario } from "../scenarios.ts";

type Nodes = {
  items: { metadata: { name: string }; status: { conditions: { type: string; status: string }[] } }[];
};

export const nodesReady: Scenario = {
  name: "nodes are Ready through Romana alone",
  async run({ plane }) {
    const { items } = JSON.parse(await plane.kubectl(["get", "nodes", "-o", "json"])) as Nodes;
    const ready = items.filter(({ status }) =>
      status.conditions.some(({ type, status: is }) => type === "Ready" && is === "True"),
    );
    assert.deepEqual(ready.map(({ metadata }) => metadata.name).sort(), ["node-1", "node-2", "node-3"]);
  },
};
