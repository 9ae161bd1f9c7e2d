// Worlds for tests of what follows from them.
import type { Snapshot } from "../../src/core/model/snapshot.ts";
import { emptySnapshot } from "../../src/core/model/snapshot.ts";
import { parseCidr } from "../../src/core/net/cidr.ts";
import { parseIp } from "../../src/core/net/ip.ts";

/** `hosts`: addresses by name. `blocks`: host by prefix. */
export const snapshotOf = (
  hosts: Readonly<Record<string, readonly string[]>>,
  blocks: Readonly<Record<string, string>>,
): Snapshot => ({
  ...emptySnapshot,
  hosts: new Map(
    Object.entries(hosts).map(([name, ips]) => [
      name,
      { name, ips: ips.map((text) => parseIp(text)), tags: {}, agentPort: 0, k8sInfo: {}, groups: [] },
    ]),
  ),
  blocks: new Map(
    Object.entries(blocks).map(([text, host]) => [
      text,
      { cidr: parseCidr(text), host, network: "net", group: "g", tenant: "t", segment: "" },
    ]),
  ),
});
