// What a runtime asks: environment and network configuration, checked and brought together. Never touches the kernel.
import { show } from "../../../base/errors.ts";
import type { Ip } from "../../../core/net/ip.ts";
import { type CniConfig, parseCniConfig, parseIps, SUPPORTED_VERSIONS } from "./cni-config.ts";
import { CNI_CODE, CniError } from "./cni-error.ts";

/** VERSION is answered by the shim. Each with the version of the specification that brought it. */
const COMMANDS = { ADD: "0.3.0", DEL: "0.3.0", CHECK: "0.4.0", STATUS: "1.1.0", GC: "1.1.0" } as const;

/** One interface of one container. */
export type Attachment = {
  readonly containerId: string;
  readonly ifname: string;
  /** Path of its network namespace; "" where the runtime names none (DEL of what is gone). */
  readonly netns: string;
  /** Whose it is: a Kubernetes namespace, else a label, else `ROMANA_TENANT` of CNI_ARGS. */
  readonly tenant: string;
  readonly segment: string;
  /** "namespace/pod" where the runtime is Kubernetes'. */
  readonly pod: string | undefined;
  /** The pod's, where the runtime tells it; "": it does not. */
  readonly podUid: string;
  /** Static request; empty: any. */
  readonly ips: readonly Ip[];
  /** From which the addresses are to be; empty: whichever are the tenant's. */
  readonly networks: readonly string[];
};

export type CniRequest =
  | {
      readonly command: "ADD" | "DEL" | "CHECK";
      readonly config: CniConfig;
      readonly attachment: Attachment;
    }
  | { readonly command: "STATUS" | "GC"; readonly config: CniConfig };

type Environment = ReadonlyMap<string, string>;
type Arguments = ReadonlyMap<string, string>;

const NAME = /^[^\p{C}\p{Z}]{1,253}$/u;
const MOST_NAME_BYTES = 15; // IFNAMSIZ less the zero

/** Throws CniError 4 (environment), and what `parseCniConfig` throws. */
export function parseCniRequest(env: Environment, stdin: Uint8Array): CniRequest {
  const word = env.get("CNI_COMMAND") ?? "";
  if (!isCommand(word)) throw environmentError("CNI_COMMAND", word, Object.keys(COMMANDS).join(", "));
  const config = parseCniConfig(stdin);
  const since = COMMANDS[word];
  if (SUPPORTED_VERSIONS.indexOf(config.cniVersion) < SUPPORTED_VERSIONS.indexOf(since))
    throw new CniError(
      CNI_CODE.incompatibleVersion,
      `cniVersion: ${show(config.cniVersion)}: expected ${since} or later, which brought ${word}`,
    );
  if (word === "STATUS" || word === "GC") return { command: word, config };
  return { command: word, config, attachment: readAttachment(word, env, config) };
}

const isCommand = (word: string): word is keyof typeof COMMANDS => Object.hasOwn(COMMANDS, word);

function readAttachment(command: string, env: Environment, config: CniConfig): Attachment {
  const [netns, ifname] = [env.get("CNI_NETNS") ?? "", env.get("CNI_IFNAME") ?? ""];
  if (!(command === "DEL" && netns === "") && !/^\/[^\p{C}]+$/u.test(netns))
    throw environmentError("CNI_NETNS", netns, "an absolute path");
  // As the kernel's dev_valid_name(), but nothing invisible.
  if (!/^(?!\.{1,2}$)[^\p{C}\p{Z}/:]+$/u.test(ifname) || Buffer.byteLength(ifname) > MOST_NAME_BYTES)
    throw environmentError("CNI_IFNAME", ifname, "an interface name of 1 to 15 bytes");
  const args = parseArgs(env.get("CNI_ARGS") ?? "");
  return { containerId: readContainerId(env), ifname, netns, ...holderOf(args, config) };
}

function readContainerId(env: Environment): string {
  const id = env.get("CNI_CONTAINERID") ?? "";
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,199}$/.test(id)) return id;
  throw environmentError(
    "CNI_CONTAINERID",
    id,
    "letters, digits, _ . -, at most 200, the first a letter or digit",
  );
}

function holderOf(args: Arguments, { labels, tenantLabel, segmentLabel, ips }: CniConfig) {
  const [namespace, pod] = [named(args, "K8S_POD_NAMESPACE"), named(args, "K8S_POD_NAME")];
  const labelled = tenantLabel === undefined ? undefined : labels.get(tenantLabel);
  const wanted = args.get("IP") ?? "";
  return {
    // The label is asked for by whoever writes the configuration, so it goes before what every pod has.
    tenant: labelled || (namespace ?? named(args, "ROMANA_TENANT") ?? "default"),
    segment: labels.get(segmentLabel) || (named(args, "ROMANA_SEGMENT") ?? "default"),
    pod: namespace !== undefined && pod !== undefined ? `${namespace}/${pod}` : undefined,
    podUid: args.get("K8S_POD_UID") ?? "",
    networks: [],
    // The conventions: CNI_ARGS must be ignored where the configuration says the same.
    ips: ips ?? parseIps(wanted === "" ? [] : wanted.split(","), "CNI_ARGS IP"),
  };
}

/** A name among CNI_ARGS; the empty one is as none. */
function named(args: Arguments, key: string): string | undefined {
  const value = args.get(key) ?? "";
  if (value === "") return undefined;
  if (!NAME.test(value)) throw environmentError(`CNI_ARGS ${key}`, value, "a name of visible characters");
  return value;
}

/** `K=V;K=V`; a piece without `=` is refused. */
function parseArgs(text: string): Map<string, string> {
  const pieces = text.split(";").filter((piece) => piece !== "");
  return new Map(
    pieces.map((piece) => {
      const at = piece.indexOf("=");
      if (at < 1) throw environmentError("CNI_ARGS", piece, "KEY=VALUE");
      return [piece.slice(0, at), piece.slice(at + 1)] as const;
    }),
  );
}

const environmentError = (key: string, value: string, expected: string): CniError =>
  new CniError(CNI_CODE.invalidEnvironment, `${key}: ${show(value)}: expected ${expected}`);
