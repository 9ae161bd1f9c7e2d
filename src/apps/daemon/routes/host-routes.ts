// `/hosts`: nodes come, change, report what they have, and go.
import type { FastifyInstance } from "fastify";
import { InputError } from "../../../base/errors.ts";
import { HostList, HostReply, HostReport, HostReportReply, HostRequest } from "../../../core/api/types.ts";
import { planReported } from "../../../core/ipam/adoption-round.ts";
import { planHostJoin, planHostRemoval } from "../../../core/ipam/hosts.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import type { Host } from "../../../core/model/records.ts";
import { equalIp, formatIp, type Ip, parseIp } from "../../../core/net/ip.ts";
import { COOLDOWN } from "./address-routes.ts";
import { adoptEndpoints, readoptAfter } from "./adopt-endpoints.ts";
import type { Daemon } from "../daemon.ts";
import { note } from "../note.ts";
import { noteIfLost, tendAdoption } from "../tend-adoption.ts";
import { noteEvidence } from "./note-evidence.ts";
import { adoptionState } from "./ops-routes.ts";
import { unknownResource } from "./refusal.ts";
import { replies } from "./route-schemas.ts";
import { hostReply } from "./views.ts";
import type { Decision } from "../writer.ts";

type Named = { Params: { name: string } };
/** Writes of one step of a removal: a write and a compare each must fit into a transaction. */
const REMOVE_AT_ONCE = 40;

export function hostRoutes(app: FastifyInstance, daemon: Daemon): void {
  const { mirror, writer } = daemon;
  app.get("/hosts", { schema: { summary: "Hosts", ...replies(HostList) } }, () => ({
    hosts: [...mirror.state.hosts.values().map(hostReply)],
    revision: mirror.revision,
  }));
  app.get<Named>("/hosts/:name", { schema: { summary: "One host", ...replies(HostReply) } }, ({ params }) => {
    const host = mirror.state.hosts.get(params.name);
    if (!host) throw unknownResource("host", params.name);
    return hostReply(host);
  });
  app.post<{ Body: HostRequest }>(
    "/hosts",
    { schema: { summary: "Add or change a host", body: HostRequest, ...replies(HostReply) } },
    async ({ body }) => readoptAfter(daemon, () => writer.submit((state) => decideJoin(state, body))),
  );
  app.delete<Named>(
    "/hosts/:name",
    {
      schema: { summary: "Remove a host; its addresses rest before others get them", ...replies(HostReply) },
    },
    async ({ params }) => removeHost(daemon, params.name),
  );
  app.post<Named & { Body: HostReport }>(
    "/hosts/:name/report",
    { schema: { summary: "What an agent has and has seen", body: HostReport, ...replies(HostReportReply) } },
    ({ params: { name }, body }) => takeReport(daemon, name, body),
  );
}

async function takeReport(daemon: Daemon, name: string, body: HostReport): Promise<HostReportReply> {
  const { mirror } = daemon;
  // What changes while this is answered is newer than what the agent saw, whichever store it knows.
  const received = mirror.revision;
  // The mirror may lag behind another daemon's writes, which the agent saw there: then the store itself is asked.
  const newest = await daemon.currency.newest(body.seen?.revision ?? 0);
  const isLoss = await noteIfLost(daemon, name, { seen: body.seen, revision: newest });
  const seen = !isLoss && body.seen?.cluster === daemon.cluster ? body.seen.revision : received;
  const conflicts = await adoptEndpoints(daemon, name, { endpoints: body.endpoints, seen });
  const isHolding = body.endpoints.length > 0;
  await note(daemon, (state) => planReported(state, name, isHolding));
  await tendAdoption(daemon);
  await noteEvidence(daemon, name, body, conflicts);
  const revision = Math.max(newest, mirror.revision);
  const { state, waiting_for } = adoptionState(daemon);
  return { cluster: daemon.cluster, revision, state, waiting_for, conflicts };
}

function decideJoin(state: IpamState, body: HostRequest): Decision<HostReply> {
  const known = state.hosts.get(body.name);
  const ips = hostIps(body) ?? known?.ips ?? [];
  if (ips.length === 0) throw fault("HOST_IP", "body.ips", body.ips ?? body.ip, "at least one address");
  refuseSharedIp(state, body.name, ips);
  const plan = planHostJoin(state, {
    name: body.name,
    ips,
    tags: body.tags ?? known?.tags ?? {},
    agentPort: body.agent_port ?? known?.agentPort ?? 0,
    k8sInfo: body.k8s_info ?? known?.k8sInfo ?? {},
  });
  const value = hostReply(plan.host);
  return known && JSON.stringify(hostReply(known)) === JSON.stringify(value) ? { value } : { value, plan };
}

/** `ip` (R3) and `ips` say the same thing; at most one address of each family. */
function hostIps({ ip, ips }: HostRequest): Ip[] | undefined {
  const texts = ips ?? (ip === undefined ? undefined : [ip]);
  const parsed = texts?.map((text, i) => parseIp(text, ips ? `body.ips[${i}]` : "body.ip"));
  if (parsed && new Set(parsed.map(({ family }) => family)).size < parsed.length)
    throw fault("HOST_IPS", "body.ips", texts, "at most one address of each family");
  return parsed;
}

function refuseSharedIp(state: IpamState, name: string, ips: readonly Ip[]): void {
  const has = (other: Host): Ip | undefined => other.ips.find((ip) => ips.some((each) => equalIp(each, ip)));
  for (const other of state.hosts.values()) {
    const ip = other.name === name ? undefined : has(other);
    if (ip)
      throw fault("HOST_IP_TAKEN", "ip", formatIp(ip), `an address that is not host ${other.name}'s`, 409);
  }
}

function fault(
  code: string,
  field: string,
  value: unknown,
  expected: string,
  status: 400 | 409 = 400,
): InputError {
  return new InputError({ code, field, value, expected }, status);
}

/** Step by step, as a host may have more addresses than a transaction takes; a removal cut off goes on when asked again. */
async function removeHost(
  { mirror, writer, clock, unadopted, hostQuarantine }: Daemon,
  name: string,
): Promise<HostReply> {
  const host = mirror.state.hosts.get(name);
  // The rest that follows is the end of the quarantine.
  const since = clock.now() + Math.max(0, hostQuarantine - COOLDOWN);
  const removal = { since, limit: REMOVE_AT_ONCE };
  const step = (): Promise<number> =>
    writer.submit((state) => {
      const plan = planHostRemoval(state, name, removal);
      return { value: plan.writes.length, plan };
    });
  let writes = await step();
  if (writes === 0) throw unknownResource("host", name);
  while (writes > 0) writes = await step();
  unadopted.delete(name);
  return hostReply(host ?? { name, ips: [], tags: {}, agentPort: 0, k8sInfo: {}, groups: [] });
}
