// The network configuration of the runtime's stdin: the keys of R10 and of the specification that Romana reads, checked. Keys that it
// does not know are other plugins' or the runtime's and are left alone.
import { show } from "../../../base/errors.ts";
import { type Ip, tryParseIp } from "../../../core/net/ip.ts";
import { CNI_CODE, CniError } from "./cni-error.ts";

/** In the order of their making. */
export const SUPPORTED_VERSIONS: readonly string[] = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

export type CniConfig = {
  readonly cniVersion: string;
  readonly name: string;
  /** Bytes; `undefined`: the agent's. */
  readonly mtu: number | undefined;
  /** `romana_host_name`: must be the agent's own. */
  readonly hostName: string | undefined;
  /** `log_file`: absolute path. */
  readonly logFile: string | undefined;
  /** `segment_label_name`, `tenant_label_name`: the labels that tell segment and tenant. */
  readonly segmentLabel: string;
  readonly tenantLabel: string | undefined;
  /** `args.cni.labels` of the conventions. */
  readonly labels: ReadonlyMap<string, string>;
  /** `runtimeConfig.ips`, else `args.cni.ips`; prefix lengths are dropped, as a pod's address is its own. `undefined`: neither. */
  readonly ips: readonly Ip[] | undefined;
  readonly prevResult: Json | undefined;
  /** GC: what is still in use; `undefined`: the runtime does not say. */
  readonly validAttachments: readonly { readonly containerId: string; readonly ifname: string }[] | undefined;
};

export type Json = Readonly<Record<string, unknown>>;

const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,199}$/;
const VISIBLE = /^[^\p{C}\p{Z}]{1,253}$/u;
const ABSOLUTE_PATH = /^\/[^\p{C}]{1,4095}$/u;
const IPAM_TYPE = "romana-ipam";
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Throws CniError 6 (not JSON), 1 (version), 7 (a value), 2 (another IPAM). */
export function parseCniConfig(stdin: Uint8Array): CniConfig {
  const json = parseJson(stdin);
  const cniVersion = readVersion(json);
  checkIgnored(json);
  return {
    cniVersion,
    name: text(json, "name", NETWORK_NAME, "a network name: letters, digits, _ . -, at most 200"),
    mtu: optionalMtu(json["mtu"]),
    hostName: optionalText(json, "romana_host_name", VISIBLE, "a host name"),
    logFile: optionalText(json, "log_file", ABSOLUTE_PATH, "an absolute path"),
    segmentLabel: optionalText(json, "segment_label_name", VISIBLE, "a label name") ?? "romana.io/segment",
    tenantLabel: optionalText(json, "tenant_label_name", VISIBLE, "a label name"),
    labels: readLabels(conventions(json)),
    ips: wantedIps(json),
    prevResult: readPrevResult(json["prevResult"]),
    validAttachments: readAttachments(json["cni.dev/valid-attachments"] ?? json["cni.dev/attachments"]),
  };
}

/** The version to answer in, also where the configuration is what is wrong. */
export function versionOf(stdin: Uint8Array): string {
  try {
    const version = parseJson(stdin)["cniVersion"];
    return typeof version === "string" && /^[0-9.]{1,15}$/.test(version) ? version : "1.0.0";
  } catch {
    return "1.0.0"; // what is wrong is told by the error that is being answered
  }
}

function parseJson(stdin: Uint8Array): Json {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(stdin));
  } catch (cause) {
    const details = cause instanceof Error ? cause.message : String(cause);
    throw new CniError(CNI_CODE.decodeFailure, "the network configuration is not JSON", details, { cause });
  }
  if (!isJson(value))
    throw new CniError(CNI_CODE.decodeFailure, "the network configuration is not a JSON object");
  return value;
}

const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const configError = (field: string, value: unknown, expected: string): CniError =>
  new CniError(
    CNI_CODE.invalidConfig,
    `${field}: ${value === undefined ? "missing" : show(value)}: expected ${expected}`,
  );

/** Without `cniVersion` a configuration is of 0.1.0, which we do not speak. */
function readVersion({ cniVersion = "0.1.0" }: Json): string {
  if (typeof cniVersion === "string" && SUPPORTED_VERSIONS.includes(cniVersion)) return cniVersion;
  throw new CniError(
    CNI_CODE.incompatibleVersion,
    `cniVersion: ${show(cniVersion)}: expected one of ${SUPPORTED_VERSIONS.join(", ")}`,
  );
}

/** Keys of R10 that must be right but decide nothing here: policy is the agent's own, and its addresses are Romana's. */
function checkIgnored({ use_policy: usePolicy, ipam = {} }: Json): void {
  if (usePolicy !== undefined && typeof usePolicy !== "boolean")
    throw configError("use_policy", usePolicy, "true or false");
  if (!isJson(ipam)) throw configError("ipam", ipam, `{"type": "${IPAM_TYPE}"}`);
  const type = ipam["type"];
  if (type !== undefined && type !== IPAM_TYPE)
    throw new CniError(CNI_CODE.unsupportedField, `ipam.type: ${show(type)}: expected "${IPAM_TYPE}"`);
}

function text(json: Json, key: string, pattern: RegExp, expected: string): string {
  const value = json[key];
  if (typeof value !== "string" || !pattern.test(value)) throw configError(key, value, expected);
  return value;
}

const optionalText = (json: Json, key: string, pattern: RegExp, expected: string): string | undefined =>
  json[key] === undefined || json[key] === "" ? undefined : text(json, key, pattern, expected);

function optionalMtu(value: unknown): number | undefined {
  if (value === undefined || value === 0) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1280 || value > 65_535)
    throw configError("mtu", value, "a whole number of bytes from 1280, the least that IPv6 takes, to 65535");
  return value;
}

/** `args.cni`: where the conventions put what a runtime tells all plugins. */
function conventions({ args }: Json): Json {
  const cni = isJson(args) ? args["cni"] : undefined;
  return isJson(cni) ? cni : {};
}

function readLabels({ labels = [] }: Json): Map<string, string> {
  if (!Array.isArray(labels)) throw configError("args.cni.labels", labels, 'a list of {"key", "value"}');
  return new Map(
    labels.map((label: unknown, i) => {
      const { key, value } = isJson(label) ? label : {};
      if (typeof key !== "string" || typeof value !== "string")
        throw configError(`args.cni.labels[${i}]`, label, '{"key", "value"}');
      return [key, value] as const;
    }),
  );
}

function wantedIps(json: Json): Ip[] | undefined {
  const runtime = isJson(json["runtimeConfig"]) ? json["runtimeConfig"]["ips"] : undefined;
  if (runtime !== undefined) return parseIps(runtime, "runtimeConfig.ips");
  const { ips } = conventions(json);
  return ips === undefined ? undefined : parseIps(ips, "args.cni.ips");
}

/** Addresses of a static request, with or without a prefix length. CniError 7. */
export function parseIps(wanted: unknown, field: string): Ip[] {
  if (!Array.isArray(wanted)) throw configError(field, wanted, "a list of addresses");
  return wanted.map((value: unknown, i) => {
    const ip = typeof value === "string" ? tryParseIp(value.replace(/\/\d{1,3}$/, "")) : undefined;
    if (!ip) throw configError(`${field}[${i}]`, value, "an IPv4 or IPv6 address");
    return ip;
  });
}

/** Lists where the specification has lists; what is in them is other plugins'. */
function readPrevResult(value: unknown): Json | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJson(value)) throw configError("prevResult", value, "the result of an ADD");
  for (const key of ["interfaces", "ips", "routes"])
    if (value[key] !== undefined && value[key] !== null && !Array.isArray(value[key]))
      throw configError(`prevResult.${key}`, value[key], "a list");
  return value;
}

function readAttachments(list: unknown): CniConfig["validAttachments"] {
  if (list === undefined || list === null) return undefined;
  if (!Array.isArray(list)) throw configError("cni.dev/valid-attachments", list, "a list");
  return list.map((item: unknown, i) => {
    const { containerID, ifname } = isJson(item) ? item : {};
    if (typeof containerID !== "string" || typeof ifname !== "string")
      throw configError(`cni.dev/valid-attachments[${i}]`, item, '{"containerID", "ifname"}');
    return { containerId: containerID, ifname };
  });
}
