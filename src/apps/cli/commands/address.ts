// `romana address …`.
import type { Command } from "commander";
import type { AddressList, AddressReply } from "../../../core/api/types.ts";
import type { Context } from "../context.ts";
import { addressColumns } from "../views.ts";
import { type Action, segmentOf } from "./action.ts";

export function addressCommands(program: Command, action: Action): void {
  const address = program.command("address").description("addresses given out");
  address
    .command("list")
    .description("all addresses")
    .option("--host <name>", "only of this host")
    .option("--tenant <tenant>", "only of this tenant")
    .option("--segment <segment>", "only of this segment")
    .option("--network <name>", "only of this network")
    .action(action(listAddresses));
  address
    .command("allocate")
    .argument("<name>", "who holds it")
    .argument("<host>")
    .argument("<tenant>")
    .argument("[segment]")
    .option("--ip <ip...>", "this very address (one a family)")
    .description("allocate an address of each family of the host's networks")
    .action(action(allocateAddress));
  address
    .command("release")
    .argument("<name-or-ip>")
    .description("free the address of a name")
    .action(action(releaseAddress));
}

async function listAddresses({ client, show }: Context, filter: Record<string, string>): Promise<void> {
  const query = new URLSearchParams(filter).toString();
  const reply = await client.request<AddressList>("GET", `/addresses?${query}`);
  show(reply, reply.addresses, addressColumns);
}

async function allocateAddress(
  { client, show }: Context,
  name: string,
  host: string,
  tenant: string,
  segment: string | undefined,
  { ip }: { ip?: string[] },
): Promise<void> {
  const request = { name, host, tenant, ...(segment === undefined ? {} : { segment }) };
  const reply = await client.request<AddressReply>("POST", "/address", {
    ...request,
    ...(ip ? { ips: ip } : {}),
  });
  show(reply, [reply], addressColumns);
}

async function releaseAddress({ client, tell }: Context, nameOrIp: string): Promise<void> {
  const reply = await client.request<unknown>("DELETE", `/address?addressName=${segmentOf(nameOrIp)}`);
  tell(reply, `${nameOrIp} is released`);
}
