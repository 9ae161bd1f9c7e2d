// `romana network …` and `romana block …`.
import type { Command } from "commander";
import { InputError } from "../../../base/errors.ts";
import type { DrainReply } from "../../../core/api/drain.ts";
import type { AddressList, BlockList, NetworkReply } from "../../../core/api/types.ts";
import type { Context } from "../context.ts";
import type { Column } from "../output.ts";
import { addressColumns, blockColumns, networkColumns } from "../views.ts";
import { type Action, segmentOf } from "./action.ts";

export function networkCommands(program: Command, action: Action): void {
  const network = program.command("network").description("networks of the topology");
  network.command("list").description("all networks").action(action(listNetworks));
  network
    .command("drain")
    .argument("<name>")
    .description("give no more addresses of a network, and tell what is left; asked again, how far it is")
    .action(action(drain));
  network
    .command("undrain")
    .argument("<name>")
    .description("give addresses of a network again")
    .action(action(undrain));
}

export function blockCommands(program: Command, action: Action): void {
  const description = "blocks of addresses, each of one host, tenant and segment";
  const block = program.command("block").description(description);
  block
    .command("list")
    .description("all blocks")
    .option("-n, --network <name>", "only of this network")
    .action(action(listBlocks));
  block
    .command("show")
    .argument("<cidr>")
    .description("one block and its addresses")
    .action(action(showBlock));
}

async function listNetworks({ client, show }: Context): Promise<void> {
  const reply = await client.request<NetworkReply[]>("GET", "/networks");
  show(reply, reply, networkColumns);
}

async function drain({ client, tell, show }: Context, name: string): Promise<void> {
  const reply = await client.request<DrainReply>("POST", `/networks/${segmentOf(name)}/drain`);
  if (reply.allocated_ip_count === 0)
    tell(reply, `network ${name} is drained and empty: it can be taken out of the topology`);
  else show(reply, reply.hosts, drainColumns);
}

const drainColumns: readonly Column<DrainReply["hosts"][number]>[] = [
  ["Host", (row) => row.name],
  ["Addresses left", (row) => row.allocated_ip_count],
];

async function undrain({ client, tell }: Context, name: string): Promise<void> {
  const reply = await client.request<DrainReply>("DELETE", `/networks/${segmentOf(name)}/drain`);
  tell(reply, `network ${name} gives addresses again`);
}

async function listBlocks({ client, show }: Context, { network }: { network?: string }): Promise<void> {
  const path = network === undefined ? "/blocks" : `/networks/${segmentOf(network)}/blocks`;
  const reply = await client.request<BlockList>("GET", path);
  show(reply, reply.blocks, blockColumns);
}

async function showBlock({ client, show }: Context, cidr: string): Promise<void> {
  const { blocks } = await client.request<BlockList>("GET", "/blocks");
  const found = blocks.find((block) => block.cidr === cidr);
  const expected = "a block of `romana block list`";
  if (!found) throw new InputError({ code: "BLOCK_UNKNOWN", field: "cidr", value: cidr, expected }, 404);
  const reply = await client.request<AddressList>("GET", "/addresses");
  const addresses = reply.addresses.filter((address) => address.blocks.includes(cidr));
  show({ ...found, addresses }, addresses, addressColumns);
}
