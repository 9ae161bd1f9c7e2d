// ADD's result in the form of the version that was asked for.
import { bitsOf, formatIp, type Ip } from "../../../core/net/ip.ts";

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
export function renderAddResult(result: AddResult, cniVersion: string): string {
  const before1 = cniVersion.startsWith("0.");
  const { hostInterface, podInterface, ips, gateways } = result;
  const mtu = cniVersion === "1.1.0" ? { mtu: podInterface.mtu } : {};
  return JSON.stringify({
    cniVersion,
    interfaces: [
      { name: hostInterface.name, mac: hostInterface.mac, ...mtu },
      { name: podInterface.name, mac: podInterface.mac, ...mtu, sandbox: podInterface.netns },
    ],
    ips: ips.map((ip) => ({
      ...(before1 ? { version: String(ip.family) } : {}),
      interface: 1,
      address: `${formatIp(ip)}/${bitsOf(ip.family)}`,
      gateway: gateways[ip.family],
    })),
    routes: ips.map((ip) => ({ dst: ip.family === 4 ? "0.0.0.0/0" : "::/0", gw: gateways[ip.family] })),
    dns: {},
  });
}
