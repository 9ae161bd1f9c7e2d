// The topology of a store that has none: from a file or built in, with the operator's CIDRs.
import { InputError } from "../../base/errors.ts";
import type { TopologyDocument } from "../../core/api/types.ts";
import { topologyKey } from "../../core/model/keys.ts";
import { readNamed } from "../../io/files/named-file.ts";
import { applyTopology } from "./apply-topology.ts";
import type { DaemonConfig } from "./config.ts";
import type { Daemon } from "./daemon.ts";

export async function applyInitialTopology(daemon: Daemon, config: DaemonConfig): Promise<void> {
  if (config.initialTopology === "" && config.cloud === "") return;
  // One that nobody can read is there all the same: its prefixes are kept for life.
  if (daemon.mirror.revisionOf(topologyKey) > 0) return;
  await applyTopology(daemon, overridden(await readInitial(config), config));
}

async function readInitial({ initialTopology, cloud, region }: DaemonConfig): Promise<unknown> {
  const { builtInTopology } = await import("../../core/topology/built-in.ts");
  const document = initialTopology === "" ? builtInTopology(cloud, region) : builtInTopology(initialTopology);
  if (document) return document;
  if (initialTopology !== "") {
    const { parseDocument } = await import("../../io/document/parse-document.ts");
    return parseDocument(readNamed({ option: "--initial-topology", path: initialTopology }), initialTopology);
  }
  throw new InputError({
    code: "REGION",
    field: "--region",
    value: region,
    expected: `a region of ${cloud}`,
  });
}

/** A shape that is none is left as it is: the parser names its faults. */
function overridden(document: unknown, { networkCidrOverrides }: DaemonConfig): unknown {
  const { networks } = document as Partial<TopologyDocument>;
  if (networkCidrOverrides.length === 0 || !Array.isArray(networks)) return document;
  const cidrs = new Map(networkCidrOverrides.map(({ network, cidr }) => [network, cidr]));
  for (const name of cidrs.keys())
    if (!networks.some((network) => network.name === name))
      throw new InputError({
        ...{ code: "NETWORK_UNKNOWN", field: "--network-cidr-overrides", value: name },
        expected: `one of ${networks.map((network) => network.name).join(", ")}`,
      });
  const replaced = networks.map((network) => ({ ...network, cidr: cidrs.get(network.name) ?? network.cidr }));
  return { ...(document as TopologyDocument), networks: replaced };
}
