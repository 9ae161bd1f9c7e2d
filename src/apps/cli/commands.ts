// The CLI's words (R7), one function a noun. A command asks the daemon once and shows the reply.
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { InputError } from "../../base/errors.ts";
import type {
  AddressList,
  AddressReply,
  BlockList,
  BlockReply,
  HostList,
  HostReply,
  HostRequest,
  NetworkReply,
  SegmentList,
  TenantList,
  TopologyDocument,
} from "../../core/api/types.ts";
import { parseTopology } from "../../core/topology/parse-topology.ts";
import { planTopology } from "../../core/topology/plan.ts";
import { renderPlan } from "../../core/topology/render-plan.ts";
import { parseDocument } from "../../io/document/parse-document.ts";
import type { Context } from "./context.ts";
import {
  addressColumns,
  blockColumns,
  hostColumns,
  networkColumns,
  segmentColumns,
  tenantColumns,
} from "./views.ts";

/** Makes the action of a command: its context first, then its words, its own options last. */
export type Action = <Args extends unknown[]>(
  run: (context: Context, ...args: Args) => Promise<void>,
) => (...args: unknown[]) => Promise<void>;

const segment = encodeURIComponent;

export function hostCommands(program: Command, action: Action): void {
  const host = program.command("host").description("hosts of the cluster");
  host
    .command("list")
    .description("all hosts")
    .action(
      action(async ({ client, show }) => {
        const reply = await client.request<HostList>("GET", "/hosts");
        show(reply, reply.hosts, hostColumns);
      }),
    );
  host
    .command("show")
    .argument("<name>")
    .description("one host")
    .action(
      action(async ({ client, show }, name: string) => {
        const reply = await client.request<HostReply>("GET", `/hosts/${segment(name)}`);
        show(reply, [reply], hostColumns);
      }),
    );
  host
    .command("add")
    .argument("<name>")
    .argument("<ip...>")
    .description("add a host, or change the one of this name")
    .option("-t, --tag <key=value...>", "labels, by which a topology's assignment chooses the group")
    .option("--agent-port <port>", "port of the agent")
    .action(
      action(
        async (
          { client, tell },
          name: string,
          ips: string[],
          options: { tag?: string[]; agentPort?: string },
        ) => {
          const reply = await client.request<HostReply>("POST", "/hosts", hostRequest(name, ips, options));
          tell(
            reply,
            `host ${reply.name} is in ${reply.groups.map((group) => group ?? "no group").join(", ") || "no group"}`,
          );
        },
      ),
    );
  host
    .command("remove")
    .argument("<name>")
    .description("remove a host and free its addresses")
    .action(
      action(async ({ client, tell }, name: string) => {
        const reply = await client.request<unknown>("DELETE", `/hosts/${segment(name)}`);
        tell(reply, `host ${name} is removed`);
      }),
    );
}

function hostRequest(
  name: string,
  ips: string[],
  options: { tag?: string[]; agentPort?: string },
): HostRequest {
  return {
    name,
    ips,
    tags: Object.fromEntries((options.tag ?? []).map(parseTag)),
    ...(options.agentPort === undefined ? {} : { agent_port: Number(options.agentPort) }),
  };
}

function parseTag(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new InputError({ code: "TAG", field: "--tag", value: text, expected: "key=value" });
  return [text.slice(0, at), text.slice(at + 1)];
}

export function networkCommands(program: Command, action: Action): void {
  const network = program.command("network").description("networks of the topology");
  network
    .command("list")
    .description("all networks")
    .action(
      action(async ({ client, show }) => {
        const reply = await client.request<NetworkReply[]>("GET", "/networks");
        show(reply, reply, networkColumns);
      }),
    );
}

export function blockCommands(program: Command, action: Action): void {
  const block = program
    .command("block")
    .description("blocks of addresses, each of one host, tenant and segment");
  block
    .command("list")
    .description("all blocks")
    .option("-n, --network <name>", "only of this network")
    .action(
      action(async ({ client, show }, { network }: { network?: string }) => {
        const reply = await client.request<BlockList>(
          "GET",
          network === undefined ? "/blocks" : `/networks/${segment(network)}/blocks`,
        );
        show(reply, reply.blocks, blockColumns);
      }),
    );
  block
    .command("show")
    .argument("<cidr>")
    .description("one block and its addresses")
    .action(
      action(async ({ client, show }, cidr: string) => {
        const found = (await client.request<BlockList>("GET", "/blocks")).blocks.find(
          (candidate: BlockReply) => candidate.cidr === cidr,
        );
        if (!found)
          throw new InputError(
            { code: "BLOCK_UNKNOWN", field: "cidr", value: cidr, expected: "a block of `romana block list`" },
            404,
          );
        const addresses = (await client.request<AddressList>("GET", "/addresses")).addresses.filter(
          ({ blocks }) => blocks.includes(cidr),
        );
        show({ ...found, addresses }, addresses, addressColumns);
      }),
    );
}

export function addressCommands(program: Command, action: Action): void {
  const address = program.command("address").description("addresses given out");
  address
    .command("list")
    .description("all addresses")
    .option("--host <name>")
    .option("--tenant <tenant>")
    .option("--segment <segment>")
    .action(
      action(async ({ client, show }, filter: Record<string, string>) => {
        const reply = await client.request<AddressList>(
          "GET",
          `/addresses?${new URLSearchParams(filter).toString()}`,
        );
        show(reply, reply.addresses, addressColumns);
      }),
    );
  address
    .command("allocate")
    .argument("<name>", "who holds it")
    .argument("<host>")
    .argument("<tenant>")
    .argument("[segment]")
    .option("--ip <ip...>", "this very address (one a family)")
    .description("allocate an address of each family of the host's networks")
    .action(
      action(
        async (
          { client, show },
          name: string,
          host: string,
          tenant: string,
          seg: string | undefined,
          { ip }: { ip?: string[] },
        ) => {
          const reply = await client.request<AddressReply>("POST", "/address", {
            name,
            host,
            tenant,
            ...(seg === undefined ? {} : { segment: seg }),
            ...(ip ? { ips: ip } : {}),
          });
          show(reply, [reply], addressColumns);
        },
      ),
    );
  address
    .command("release")
    .argument("<name-or-ip>")
    .description("free the address of a name")
    .action(
      action(async ({ client, tell }, name: string) => {
        const reply = await client.request<unknown>("DELETE", `/address?addressName=${segment(name)}`);
        tell(reply, `${name} is released`);
      }),
    );
}

export function tenantCommands(program: Command, action: Action): void {
  const tenants = program.command("tenant").description("tenants that have blocks");
  tenants
    .command("list")
    .description("all tenants")
    .action(
      action(async ({ client, show }) => {
        const reply = await client.request<TenantList>("GET", "/tenants");
        show(reply, reply.tenants, tenantColumns);
      }),
    );
  const segments = program.command("segment").description("segments of tenants");
  segments
    .command("list")
    .argument("[tenant]")
    .description("segments of one tenant, or of all")
    .action(
      action(async ({ client, show }, tenant: string | undefined) => {
        const ids =
          tenant === undefined
            ? (await client.request<TenantList>("GET", "/tenants")).tenants.map(({ id }) => id)
            : [tenant];
        const rows = await Promise.all(
          ids.map(async (id) => {
            const reply = await client.request<SegmentList>("GET", `/tenants/${segment(id)}/segments`);
            return reply.segments.map((row) => ({ ...row, tenant: id }));
          }),
        );
        show(rows.flat(), rows.flat(), segmentColumns);
      }),
    );
}

export function topologyCommands(program: Command, action: Action): void {
  const topology = program.command("topology").description("networks and the tree of groups");
  topology
    .command("list")
    .description("the topology with the prefix of every group")
    .action(
      action(async ({ client, tell }) => {
        const reply = await client.request<TopologyDocument>("GET", "/topology");
        tell(reply, renderPlan(planTopology(topologyOf(reply, "GET /topology"))));
      }),
    );
  topology
    .command("update")
    .argument("<file>", "JSON, JSONC or YAML")
    .description("apply a topology file")
    .action(
      action(async ({ client, tell }, file: string) => {
        const reply = await client.request<TopologyDocument>("POST", "/topology", readTopology(file));
        tell(reply, `the topology of ${file} is applied`);
      }),
    );
  topology
    .command("plan")
    .argument("<file>", "JSON, JSONC or YAML")
    .description("what a file would do: prefixes, capacity, routes, warnings; asks no cluster")
    .action(
      action(async ({ tell }, file: string) => {
        const plan = planTopology(topologyOf(readTopology(file), file));
        tell(plan, renderPlan(plan));
      }),
    );
}

function readTopology(file: string): unknown {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new InputError({
      code: "FILE",
      field: "file",
      value: file,
      expected: `a readable file (${(cause as NodeJS.ErrnoException).code ?? "error"})`,
    });
  }
  return parseDocument(bytes, file);
}

function topologyOf(document: unknown, _source: string): Parameters<typeof planTopology>[0] {
  const result = parseTopology(document);
  if (result.kind === "invalid") throw new InputError(result.faults);
  return result.topology;
}
