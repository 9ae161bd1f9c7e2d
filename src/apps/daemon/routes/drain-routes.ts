// `/networks/{network}/drain`: no new addresses from a network, until it is empty and can go, or is opened again.
import type { FastifyInstance } from "fastify";
import { DrainReply } from "../../../core/api/drain.ts";
import { isDrained, leftIn, planDrain, planUndrain } from "../../../core/ipam/drain.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import type { Network } from "../../../core/model/topology.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import type { Daemon } from "../daemon.ts";
import { submitRule } from "./network-rules.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";

type Named = { Params: { network: string } };
const ROUTE = "/networks/:network/drain";

export function drainRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { mirror } = daemon;
  const schemaOf = (summary: string) => ({ schema: { summary, ...replies(DrainReply) } });
  const present = (name: string): DrainReply => drainReply(mirror.state, networkOf(mirror.state, name));
  app.get<Named>(ROUTE, schemaOf("What is left of a network"), ({ params }) => present(params.network));
  app.post<Named>(ROUTE, schemaOf("Give no more addresses of a network"), async ({ params: { network } }) => {
    await submitRule(daemon, (state) => ({
      value: undefined,
      plan: planDrain(state, networkOf(state, network)),
    }));
    return present(network);
  });
  app.delete<Named>(ROUTE, schemaOf("Give addresses of a network again"), async ({ params: { network } }) => {
    await submitRule(daemon, (state) => {
      const { cidr, ...rest } = networkOf(state, network);
      if (!state.blackouts.has(formatCidr(cidr))) throw unknownResource("drain", network);
      return { value: undefined, plan: planUndrain(state, { cidr, ...rest }) };
    });
    return present(network);
  });
}

function networkOf(state: IpamState, name: string): Network {
  const network = state.network(name);
  if (!network) throw unknownResource("network", name);
  return network;
}

function drainReply(state: IpamState, network: Network): DrainReply {
  const left = [...leftIn(state, network.name)].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...{ network: network.name, cidr: formatCidr(network.cidr), drained: isDrained(state, network) },
    allocated_ip_count: left.reduce((sum, [, count]) => sum + count, 0),
    hosts: left.map(([name, count]) => ({ name, allocated_ip_count: count })),
  };
}
