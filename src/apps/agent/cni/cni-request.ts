// What a runtime asks: environment and network configuration, checked. Never touches the kernel.
import { type Ip, tryParseIp } from "../../../core/net/ip.ts";
import { CNI_CODE, CniError } from "./cni-error.ts";

export const SUPPORTED_VERSIONS: readonly string[] = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
export const COMMANDS = ["ADD", "DEL", "CHECK", "STATUS", "GC", "VERSION"] as const;
export type CniCommand = (typeof COMMANDS)[number];

/** The keys of R10 and of the specification that Romana reads. */
export type CniConfig = {
  readonly cniVersion: string;
  readonly name: string;
  /** Bytes; `undefined`: the agent's. */
  readonly mtu: number | undefined;
  readonly segmentLabelName: string;
  readonly tenantLabelName: string;
  /** Static request: `runtimeConfig.ips` or `args.cni.ips`; prefix lengths are dropped, as a pod's address is its own. */
  readonly ips: readonly Ip[];
  readonly prevResult: unknown;
  /** GC: what is still in use. */
  readonly validAttachments: readonly { readonly containerId: string; readonly ifname: string }[];
};

export type CniRequest = {
  readonly command: CniCommand;
  readonly containerId: string;
  readonly netns: string;
  readonly ifname: string;
  /** CNI_ARGS, `K=V;K=V`. */
  readonly args: ReadonlyMap<string, string>;
  readonly config: CniConfig;
};

type Environment = ReadonlyMap<string, string>;
type Json = Readonly<Record<string, unknown>>;

/** Throws CniError 4 (environment), 6 (not JSON), 7 (configuration), 1 (version). */
export function parseCniRequest(env: Environment, stdin: Uint8Array): CniRequest {
  const command = COMMANDS.find((word) => word === env.get("CNI_COMMAND"));
  if (!command) throw environmentError("CNI_COMMAND", env, COMMANDS.join(", "));
  const config = parseCniConfig(stdin, command);
  const container = command === "ADD" || command === "DEL" || command === "CHECK";
  return {
    command,
    containerId: container
      ? required(env, "CNI_CONTAINERID", /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,199}$/, "an alphanumeric id")
      : "",
    // DEL may come without a namespace: it is gone.
    netns:
      container && command !== "DEL"
        ? required(env, "CNI_NETNS", /^\/[^\0]+$/, "an absolute path")
        : (env.get("CNI_NETNS") ?? ""),
    ifname: container
      ? required(
          env,
          "CNI_IFNAME",
          /^(?!\.{1,2}$)[^\s/:\0]{1,15}$/,
          "an interface name of 1 to 15 characters",
        )
      : "",
    args: parseArgs(env.get("CNI_ARGS") ?? ""),
    config,
  };
}

function required(env: Environment, key: string, pattern: RegExp, expected: string): string {
  const value = env.get(key) ?? "";
  if (!pattern.test(value)) throw environmentError(key, env, expected);
  return value;
}

function environmentError(key: string, env: Environment, expected: string): CniError {
  return new CniError(
    CNI_CODE.invalidEnvironment,
    `${key}: ${JSON.stringify(env.get(key) ?? "")}: expected ${expected}`,
  );
}

/** `K=V;K=V`; a piece without `=` is refused. */
function parseArgs(text: string): Map<string, string> {
  const pairs = text.split(";").filter((piece) => piece !== "");
  return new Map(
    pairs.map((piece) => {
      const at = piece.indexOf("=");
      if (at < 1)
        throw new CniError(
          CNI_CODE.invalidEnvironment,
          `CNI_ARGS: ${JSON.stringify(piece)}: expected KEY=VALUE`,
        );
      return [piece.slice(0, at), piece.slice(at + 1)] as const;
    }),
  );
}

/** The network configuration of the runtime's stdin. `name` is not asked of VERSION and STATUS callers that leave it out. */
export function parseCniConfig(stdin: Uint8Array, command: CniCommand): CniConfig {
  const json = parseJson(stdin);
  const cniVersion = json["cniVersion"] ?? "0.1.0";
  if (command !== "VERSION" && !SUPPORTED_VERSIONS.includes(String(cniVersion)))
    throw new CniError(
      CNI_CODE.incompatibleVersion,
      `cniVersion: ${JSON.stringify(cniVersion)}: expected one of ${SUPPORTED_VERSIONS.join(", ")}`,
    );
  const name =
    command === "VERSION"
      ? String(json["name"] ?? "")
      : text(json, "name", /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, "a network name");
  return {
    cniVersion: String(cniVersion),
    name,
    mtu: optionalMtu(json["mtu"]),
    segmentLabelName: optionalText(json, "segment_label_name", "romana.io/segment"),
    tenantLabelName: optionalText(json, "tenant_label_name", ""),
    ips: wantedIps(json),
    prevResult: json["prevResult"],
    validAttachments: validAttachments(json),
  };
}

function parseJson(stdin: Uint8Array): Json {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(stdin));
  } catch (cause) {
    throw new CniError(CNI_CODE.decodeFailure, "the network configuration is not JSON", String(cause), {
      cause,
    });
  }
  if (!isRecord(value))
    throw new CniError(CNI_CODE.decodeFailure, "the network configuration is not a JSON object");
  return value;
}

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const configError = (field: string, value: unknown, expected: string): CniError =>
  new CniError(
    CNI_CODE.invalidConfig,
    `${field}: ${JSON.stringify(value) ?? "missing"}: expected ${expected}`,
  );

function text(json: Json, key: string, pattern: RegExp, expected: string): string {
  const value = json[key];
  if (typeof value !== "string" || !pattern.test(value)) throw configError(key, value, expected);
  return value;
}

function optionalText(json: Json, key: string, otherwise: string): string {
  return json[key] === undefined ? otherwise : text(json, key, /^[^\0\n]{0,253}$/, "a label name");
}

function optionalMtu(value: unknown): number | undefined {
  if (value === undefined || value === 0) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 576 || value > 65_535)
    throw configError("mtu", value, "a whole number of bytes from 576 to 65535 (1280 or more for IPv6)");
  return value;
}

function wantedIps(json: Json): Ip[] {
  const runtime = isRecord(json["runtimeConfig"]) ? json["runtimeConfig"]["ips"] : undefined;
  const args =
    isRecord(json["args"]) && isRecord(json["args"]["cni"]) ? json["args"]["cni"]["ips"] : undefined;
  const wanted = runtime ?? args ?? [];
  const field = runtime === undefined ? "args.cni.ips" : "runtimeConfig.ips";
  if (!Array.isArray(wanted)) throw configError(field, wanted, "a list of addresses");
  return wanted.map((value: unknown, i) => {
    const ip = typeof value === "string" ? tryParseIp(value.replace(/\/\d{1,3}$/, "")) : undefined;
    if (!ip) throw configError(`${field}[${i}]`, value, "an IPv4 or IPv6 address");
    return ip;
  });
}

function validAttachments(json: Json): { containerId: string; ifname: string }[] {
  const list = json["cni.dev/valid-attachments"] ?? json["cni.dev/attachments"] ?? [];
  if (!Array.isArray(list)) throw configError("cni.dev/valid-attachments", list, "a list");
  return list.map((item: unknown, i) => {
    if (!isRecord(item) || typeof item["containerID"] !== "string" || typeof item["ifname"] !== "string")
      throw configError(`cni.dev/valid-attachments[${i}]`, item, '{"containerID", "ifname"}');
    return { containerId: item["containerID"], ifname: item["ifname"] };
  });
}
