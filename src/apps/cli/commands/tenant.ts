// `romana tenant …` and `romana segment …`.
import type { Command } from "commander";
import type { SegmentList, TenantList } from "../../../core/api/types.ts";
import type { Client } from "../client.ts";
import type { Context } from "../context.ts";
import { segmentColumns, tenantColumns } from "../views.ts";
import { type Action, segmentOf } from "./action.ts";

export function tenantCommands(program: Command, action: Action): void {
  const tenant = program.command("tenant").description("tenants that have blocks");
  tenant.command("list").description("all tenants").action(action(listTenants));
  const segment = program.command("segment").description("segments of tenants");
  segment
    .command("list")
    .argument("[tenant]")
    .description("segments of one tenant, or of all")
    .action(action(listSegments));
}

async function listTenants({ client, show }: Context): Promise<void> {
  const reply = await tenantsOf(client);
  show(reply, reply.tenants, tenantColumns);
}

async function listSegments({ client, show }: Context, tenant: string | undefined): Promise<void> {
  const ids = tenant === undefined ? (await tenantsOf(client)).tenants.map(({ id }) => id) : [tenant];
  const rows = await Promise.all(ids.map((id) => segmentsOf(client, id)));
  show(rows.flat(), rows.flat(), segmentColumns);
}

const tenantsOf = (client: Client): Promise<TenantList> => client.request<TenantList>("GET", "/tenants");

async function segmentsOf(
  client: Client,
  tenant: string,
): Promise<(SegmentList["segments"][number] & { tenant: string })[]> {
  const { segments } = await client.request<SegmentList>("GET", `/tenants/${segmentOf(tenant)}/segments`);
  return segments.map((row) => ({ ...row, tenant }));
}
