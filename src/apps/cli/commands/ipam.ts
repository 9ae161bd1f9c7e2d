// `romana ipam …`.
import type { Command } from "commander";
import type { CheckReply } from "../../../core/api/ipam.ts";
import type { Context } from "../context.ts";
import { findingColumns } from "../ipam-views.ts";
import type { Action } from "./action.ts";

/** Exit code of a check that found something: it worked, but somebody must look. */
const FOUND = 3;

export function ipamCommands(program: Command, action: Action): void {
  const ipam = program.command("ipam").description("address management: what is wrong, what is used");
  ipam
    .command("check")
    .description("what is wrong with the addresses, with evidence; exit code 3 if anything is")
    .option("--limit <n>", "findings shown", "1000")
    .action(action(checkIpam));
}

async function checkIpam({ client, show }: Context, { limit }: { limit: string }): Promise<number> {
  const reply = await client.request<CheckReply>("GET", `/ipam/check?limit=${encodeURIComponent(limit)}`);
  show(reply, reply.findings, findingColumns);
  return reply.total > 0 ? FOUND : 0;
}
