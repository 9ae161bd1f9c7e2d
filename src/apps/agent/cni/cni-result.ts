// ADD's result in the form of the version that was asked for, after what plugins before us in the chain made.
import { bitsOf, formatIp, type Ip } from "../../../core/net/ip.ts";
import type { Json } from "./cni-config.ts";

export type AddResult = {
  readonly hostInterface: { readonly name: string; readonly mac: string };
  readonly podInterface: {
    readonly name: string;
    readonly mac: string;
    readonly netns: string;
    readonly mtu: number;
  };
  readonly ips: readonly Ip[];
  readonly gateways: { readonly 4: string; readonly 6: string };
};

/** JSON text. Until 0.4.0 every address carries `version`; from 1.0.0 it must not; `mtu` of an interface came with 1.1.0. */
export function renderAddResult(result: AddResult, cniVersion: string, prevResult: Json = {}): string {
  const before1 = cniVersion.startsWith("0.");
  const { hostInterface, podInterface, ips, gateways } = result;
  const mtu = cniVersion === "1.1.0" ? { mtu: podInterface.mtu } : {};
  const earlier = (key: string): unknown[] => (prevResult[key] ?? []) as unknown[]; // parseCniConfig saw that they are lists
  const podIndex = earlier("interfaces").length + 1;
  return JSON.stringify({
    dns: {},
    ...prevResult,
    cniVersion,
    interfaces: [
      ...earlier("interfaces"),
      { name: hostInterface.name, mac: hostInterface.mac, ...mtu },
      { name: podInterface.name, mac: podInterface.mac, ...mtu, sandbox: podInterface.netns },
    ],
    ips: [
      ...earlier("ips"),
      ...ips.map((ip) => ({
        ...(before1 ? { version: String(ip.family) } : {}),
        interface: podIndex,
        address: `${formatIp(ip)}/${bitsOf(ip.family)}`,
        gateway: gateways[ip.family],
      })),
    ],
    routes: [
      ...earlier("routes"),
      ...ips.map((ip) => ({ dst: ip.family === 4 ? "0.0.0.0/0" : "::/0", gw: gateways[ip.family] })),
    ],
  });
}
