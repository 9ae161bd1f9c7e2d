// `romana topology plan` on paper against what core/desired gives the lab's routers.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { desiredRouterRoutes } from "../../core/desired/router-routes.ts";
import { emptySnapshot } from "../../core/model/snapshot.ts";
import type { Topology } from "../../core/model/topology.ts";
import { formatIp } from "../../core/net/ip.ts";
import { parseTopology } from "../../core/topology/parse-topology.ts";
import { planTopology } from "../../core/topology/plan.ts";
import { planFabric } from "./plan-fabric.ts";
import { routerOf } from "./routers.ts";

const networks = [
  { name: "four", cidr: "10.0.0.0/8" },
  { name: "more", cidr: "11.0.0.0/8" },
  { name: "six", cidr: "fd00:10::/32" },
];
const zone = fc.oneof({ arbitrary: fc.constant(0), weight: 1 }, { arbitrary: fc.nat(5), weight: 3 });
const topologies: fc.Arbitrary<Topology> = fc
  .tuple(fc.array(zone, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 3 }))
  .map(([zones, count]) => {
    const used = networks.slice(-count);
    const map = zones.map((racks, i) => ({
      name: `zone-${i}`,
      groups: Array.from({ length: racks }, (_, k) => ({ name: `rack-${i}-${k}` })),
    }));
    const parsed = parseTopology({
      networks: used,
      topologies: [{ networks: used.map(({ name }) => name), map }],
    });
    return parsed.kind === "valid" ? parsed.topology : assert.fail(JSON.stringify(parsed.faults));
  });

test("law: every router of the lab holds as many routes as the plan says", () => {
  fc.assert(
    fc.property(topologies, (topology) => {
      const fabric = planFabric(topology, { hostsPerRack: 1 });
      const found = fabric.routers.map((router) => {
        const hops = router.hops.map(({ group, via }) => ({ group, via: via.map(formatIp) }));
        const world = { ...emptySnapshot, topology };
        const routes = desiredRouterRoutes(world, routerOf({ ...router, hops }, world, []));
        return [router.name, routes.length];
      });
      const planned = planTopology(topology).topologies[0]?.routers.map(({ name, routes }) => [name, routes]);
      assert.deepEqual(planned, found);
    }),
    { numRuns: 60 },
  );
});
