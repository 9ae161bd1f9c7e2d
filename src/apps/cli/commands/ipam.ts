// `romana ipam …`.
import type { Command } from "commander";
import type { AddressInfoReply, CheckReply, GcReply, UsageReply } from "../../../core/api/ipam.ts";
import type { AdoptReply } from "../../../core/api/types.ts";
import type { Context } from "../context.ts";
import {
  addressInfoColumns,
  findingColumns,
  groupUseColumns,
  leakColumns,
  tenantUseColumns,
} from "../ipam-views.ts";
import { renderTable } from "../output.ts";
import type { Action } from "./action.ts";

/** Exit code of a check that found something: it worked, but somebody must look. */
const FOUND = 3;

export function ipamCommands(program: Command, action: Action): void {
  const ipam = program.command("ipam").description("address management: what is used, what is wrong");
  ipam
    .command("show")
    .option("--address <ip-or-name>", "everything about one address, or those of a name")
    .description("how full networks, groups and tenants are")
    .action(action(showUsage));
  ipam
    .command("check")
    .description("what is wrong with the addresses, with evidence; exit code 3 if anything is")
    .option("--limit <n>", "findings shown", "1000")
    .action(action(checkIpam));
  ipam
    .command("gc")
    .option("--force", "free them; without it nothing is changed")
    .description("addresses that leaked: what can be freed, and what still has to be confirmed")
    .action(action(collectLeaks));
  ipam
    .command("adopt")
    .option("--force", "hand out addresses without waiting for those who have not reported")
    .description("whether addresses are handed out, and which hosts are waited for after a loss")
    .action(action(adopt));
}

async function showUsage({ client, show, tell }: Context, { address }: { address?: string }): Promise<void> {
  if (address !== undefined) {
    const path = `/ipam/address?of=${encodeURIComponent(address)}`;
    const reply = await client.request<AddressInfoReply>("GET", path);
    return show(reply, reply.addresses, addressInfoColumns);
  }
  const reply = await client.request<UsageReply>("GET", "/ipam/usage");
  const tables = [renderTable(reply.groups, groupUseColumns), renderTable(reply.tenants, tenantUseColumns)];
  tell(reply, reply.groups.length === 0 ? "no networks" : tables.join("\n\n"));
}

async function checkIpam({ client, show }: Context, { limit }: { limit: string }): Promise<number> {
  const reply = await client.request<CheckReply>("GET", `/ipam/check?limit=${encodeURIComponent(limit)}`);
  show(reply, reply.findings, findingColumns);
  return reply.total > 0 ? FOUND : 0;
}

async function collectLeaks(
  { client, show }: Context,
  { force = false }: { force?: boolean },
): Promise<void> {
  const reply = await client.request<GcReply>("POST", "/ipam/gc", { dry_run: !force });
  const freed = reply.freed.map((leak) => ({
    ...leak,
    outcome: reply.dry_run ? "to be freed: --force" : "freed",
  }));
  const waiting = reply.waiting.map((leak) => ({ ...leak, outcome: `waits for a report after ${leak.due}` }));
  show(reply, [...freed, ...waiting], leakColumns);
}

async function adopt({ client, tell }: Context, { force = false }: { force?: boolean }): Promise<void> {
  const reply = await client.request<AdoptReply>("POST", "/ipam/adopt", { force });
  const waiting = reply.waiting_for.join(", ") || "the adoption window to pass";
  tell(
    reply,
    reply.state === "ready" ? "addresses are handed out" : `no address is handed out, waiting for ${waiting}`,
  );
}
