// `romana limit …`.
import type { Command } from "commander";
import { InputError } from "../../../base/errors.ts";
import type { LimitList, LimitReply } from "../../../core/api/limits.ts";
import type { Context } from "../context.ts";
import type { Column } from "../output.ts";
import type { Action } from "./action.ts";

const columns: readonly Column<LimitReply>[] = [
  ["Tenant", ({ tenant }) => tenant],
  ["Network", ({ network }) => network ?? "all"],
  ["Limit", ({ limit }) => limit],
  ["Addresses", ({ allocated_ip_count }) => allocated_ip_count],
];
type In = { readonly network?: string };

export function limitCommands(program: Command, action: Action): void {
  const limit = program.command("limit").description("how many addresses tenants may have");
  limit.command("list").description("all limits, and how much is used").action(action(listLimits));
  limit
    .command("set")
    .argument("<tenant>")
    .argument("<addresses>", "in use at most; those of a pod count one by one")
    .option("-n, --network <name>", "in this network only")
    .description("limit a tenant, in all networks together or in one")
    .action(action(setLimit));
  limit
    .command("remove")
    .argument("<tenant>")
    .option("-n, --network <name>", "the limit in this network")
    .description("limit a tenant no longer")
    .action(action(removeLimit));
}

async function listLimits({ client, show }: Context): Promise<void> {
  const reply = await client.request<LimitList>("GET", "/limits");
  show(reply, reply.limits, columns);
}

async function setLimit(
  { client, tell }: Context,
  tenant: string,
  most: string,
  { network }: In,
): Promise<void> {
  if (!/^\d{1,15}$/.test(most))
    throw new InputError({ code: "LIMIT", field: "addresses", value: most, expected: "a whole number" });
  const request = { tenant, limit: Number(most), ...(network !== undefined && { network }) };
  const reply = await client.request<LimitReply>("POST", "/limits", request);
  tell(
    reply,
    `${tenant} may have ${reply.limit} addresses${whereOf(reply)}, and has ${reply.allocated_ip_count}`,
  );
}

async function removeLimit({ client, tell }: Context, tenant: string, { network }: In): Promise<void> {
  const query = new URLSearchParams({ tenant, ...(network !== undefined && { network }) });
  const reply = await client.request<LimitReply>("DELETE", `/limits?${query.toString()}`);
  tell(reply, `${tenant} has no limit${whereOf(reply)} any more`);
}

const whereOf = ({ network }: LimitReply): string => (network === undefined ? "" : ` in network ${network}`);
