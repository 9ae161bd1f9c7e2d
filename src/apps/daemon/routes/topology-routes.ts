// `/topology`: the operator's description of the network, put in place whole or not at all.
import type { FastifyInstance } from "fastify";
import { TopologyDocument } from "../../../core/api/types.ts";
import { topologyKey } from "../../../core/model/keys.ts";
import { topologyDocument } from "../../../core/topology/topology-document.ts";
import { readoptAfter } from "./adopt-endpoints.ts";
import { applyTopology } from "../apply-topology.ts";
import type { Daemon } from "../daemon.ts";
import { replies } from "./route-schemas.ts";

export function topologyRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { mirror } = daemon;
  const present = (): TopologyDocument => ({
    ...topologyDocument(mirror.state.topology),
    revision: mirror.revisionOf(topologyKey),
  });
  app.get(
    "/topology",
    { schema: { summary: "The topology with all prefixes", ...replies(TopologyDocument) } },
    present,
  );
  app.post(
    "/topology",
    {
      schema: { summary: "Put a topology in place", body: TopologyDocument, ...replies(TopologyDocument) },
      // The parser of core/topology names every fault with its path; the schema is for the document only.
      validatorCompiler: () => () => true,
    },
    async ({ body }) => {
      await readoptAfter(daemon, () => applyTopology(daemon, body));
      return present();
    },
  );
}
