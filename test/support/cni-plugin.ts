// The CNI plugin, called as container runtimes call it.
import type { NativeHelper } from "../../src/io/kernel/kernel.ts";
import { nativePath } from "./bed.ts";

export type CniCall = {
  readonly id: string;
  /** Path of the pod's namespace. */
  readonly netns?: string;
  readonly ifname?: string;
  readonly args?: string;
  /** Merged into the network configuration; a text is the configuration. */
  readonly config?: Readonly<Record<string, unknown>> | string;
};
/** What a plugin printed, read as JSON; `undefined` where it printed nothing. */
export type CniReply = { readonly code: number; readonly json: CniOutput | undefined };
export type CniOutput = {
  readonly cniVersion: string;
  readonly interfaces: readonly { name: string; mac: string; sandbox?: string; mtu?: number }[];
  readonly ips: readonly { address: string; gateway: string; interface: number; version?: string }[];
  readonly routes: readonly { dst: string; gw: string }[];
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
  readonly supportedVersions: readonly string[];
};

export interface CniPlugin {
  /** Romana's plugin as the runtime of this node calls it; 1.0.0 unless `config` says otherwise. */
  cni(command: string, call: CniCall): Promise<CniReply>;
  /** Any plugin, by argv, with just this configuration. */
  plugin(argv: readonly string[], command: string, call: CniCall, config: string): Promise<CniReply>;
}

/** Of the node in that namespace, whose agent listens at `socket`. */
export function createPlugin(helper: NativeHelper, netns: string, socket: string): CniPlugin {
  const plugin: CniPlugin["plugin"] = async (argv, command, call, config) => {
    const environment = cniEnvironment(command, call).map(([key, value]) => `${key}=${value}`);
    const { code, stdout } = await helper.run(["env", "-i", ...environment, ...argv], {
      ...{ netns, stdin: config },
    });
    return { code, json: stdout === "" ? undefined : (JSON.parse(stdout) as CniOutput) };
  };
  return {
    plugin,
    cni: (command, call) => plugin([nativePath, "cni"], command, call, configOf(call.config, socket)),
  };
}

/** What runtimes set for every plugin. */
function cniEnvironment(command: string, { id, netns = "", ifname = "eth0", args = "" }: CniCall) {
  return Object.entries({
    PATH: process.env["PATH"] ?? "",
    CNI_COMMAND: command,
    CNI_CONTAINERID: id,
    CNI_NETNS: netns,
    CNI_IFNAME: ifname,
    CNI_ARGS: args,
    CNI_PATH: "/usr/lib/cni",
  });
}

const configOf = (config: CniCall["config"], socket: string): string =>
  typeof config === "string"
    ? config
    : JSON.stringify({ cniVersion: "1.0.0", name: "romana", type: "romana", socket, ...config });
