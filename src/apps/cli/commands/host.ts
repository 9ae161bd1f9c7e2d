// `romana host …`.
import type { Command } from "commander";
import { InputError } from "../../../base/errors.ts";
import type { HostList, HostReply, HostRequest } from "../../../core/api/types.ts";
import type { Context } from "../context.ts";
import { hostColumns } from "../views.ts";
import { type Action, segmentOf } from "./action.ts";

type AddOptions = { readonly tag?: readonly string[]; readonly agentPort?: string };

export function hostCommands(program: Command, action: Action): void {
  const host = program.command("host").description("hosts of the cluster");
  host.command("list").description("all hosts").action(action(listHosts));
  host.command("show").argument("<name>").description("one host").action(action(showHost));
  host
    .command("add")
    .argument("<name>")
    .argument("<ip...>")
    .description("add a host, or change the one of this name")
    .option("-t, --tag <key=value...>", "labels, by which a topology's assignment chooses the group")
    .option("--agent-port <port>", "port of the agent")
    .action(action(addHost));
  host
    .command("remove")
    .argument("<name>")
    .description("remove a host and free its addresses")
    .action(action(removeHost));
}

async function listHosts({ client, show }: Context): Promise<void> {
  const reply = await client.request<HostList>("GET", "/hosts");
  show(reply, reply.hosts, hostColumns);
}

async function showHost({ client, show }: Context, name: string): Promise<void> {
  const reply = await client.request<HostReply>("GET", `/hosts/${segmentOf(name)}`);
  show(reply, [reply], hostColumns);
}

async function addHost(
  { client, tell }: Context,
  name: string,
  ips: string[],
  { tag = [], agentPort }: AddOptions,
): Promise<void> {
  const request: HostRequest = {
    name,
    ips,
    tags: Object.fromEntries(tag.map(parseTag)),
    ...(agentPort === undefined ? {} : { agent_port: parsePort(agentPort) }),
  };
  const reply = await client.request<HostReply>("POST", "/hosts", request);
  const groups = reply.groups.map((group) => (group === null ? "no group" : group || "/"));
  tell(reply, `host ${reply.name} is in ${groups.join(", ") || "no group"}`);
}

async function removeHost({ client, tell }: Context, name: string): Promise<void> {
  const reply = await client.request<unknown>("DELETE", `/hosts/${segmentOf(name)}`);
  tell(reply, `host ${name} is removed`);
}

function parseTag(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new InputError({ code: "TAG", field: "--tag", value: text, expected: "key=value" });
  return [text.slice(0, at), text.slice(at + 1)];
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535)
    throw new InputError({
      code: "PORT",
      field: "--agent-port",
      value: text,
      expected: "a port from 1 to 65535",
    });
  return port;
}
