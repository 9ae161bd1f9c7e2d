// `romana ipam …`.
import { type Command, Option } from "commander";
import type { AddressInfoReply, CheckReply, GcReply, UsageReply } from "../../../core/api/ipam.ts";
import type { AddressList, AdoptReply, NetworkReply } from "../../../core/api/types.ts";
import { parseCidr } from "../../../core/net/cidr.ts";
import type { Context } from "../context.ts";
import {
  addressInfoColumns,
  findingColumns,
  groupUseColumns,
  leakColumns,
  tenantUseColumns,
} from "../ipam-views.ts";
import { type KubernetesFinding, kubernetesFindings } from "../kubernetes-findings.ts";
import { podFacts } from "../kubernetes-pods.ts";
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
    .option("--kubernetes", "compare with the pods of Kubernetes too")
    .addOption(
      new Option("--kubeconfig <file>", "--kubernetes by this file (KUBECONFIG; default as kubectl)").implies(
        {
          kubernetes: true,
        },
      ),
    )
    .action(action(checkIpam));
  ipam
    .command("gc")
    .option("--force", "free them; without it nothing is changed")
    .description("addresses that leaked: what can be freed, and what still has to be confirmed")
    .action(action(collectLeaks));
  ipam
    .command("adopt")
    .option(
      "--force",
      "hand out addresses without waiting for those who have not reported, and tell nodes the policies there are",
    )
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

type CheckOptions = {
  readonly limit: string;
  readonly kubernetes?: boolean;
  readonly kubeconfig?: string;
};

async function checkIpam(context: Context, { limit, kubernetes, kubeconfig }: CheckOptions): Promise<number> {
  const { client, show } = context;
  const records = await client.request<CheckReply>("GET", `/ipam/check?limit=${encodeURIComponent(limit)}`);
  const found = kubernetes ? await compareWithPods(context, kubeconfig) : [];
  const counts = { ...records.counts };
  for (const { kind } of found) counts[kind] = (counts[kind] ?? 0) + 1;
  const findings = [...records.findings, ...found].slice(0, Number(limit));
  const reply = { ...records, total: records.total + found.length, counts, findings };
  show(reply, findings, findingColumns);
  return reply.total > 0 ? FOUND : 0;
}

async function compareWithPods(
  { client, kubernetes }: Context,
  kubeconfig: string | undefined,
): Promise<KubernetesFinding[]> {
  const kube = kubernetes(kubeconfig);
  const addresses = (): Promise<AddressList> => client.request("GET", "/addresses");
  try {
    const before = await addresses();
    const pods = await podFacts(kube);
    const networks = await client.request<NetworkReply[]>("GET", "/networks");
    const cidrs = networks.map(({ cidr }) => parseCidr(cidr));
    return kubernetesFindings({ before, pods, after: await addresses(), networks: cidrs });
  } finally {
    kube.close();
  }
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
  const addresses =
    reply.state === "ready" ? "addresses are handed out" : `no address is handed out, waiting for ${waiting}`;
  const lost = "policies were lost: nodes keep those that they have until all are told anew, or --force";
  tell(reply, reply.policies === "known" ? addresses : `${addresses}\n${lost}`);
}
