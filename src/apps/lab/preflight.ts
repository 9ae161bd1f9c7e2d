// What a lab needs of the machine, all that is missing told at once, before anything is made.
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { UnavailableError } from "../../base/errors.ts";
import { plugin } from "./pods.ts";

/** Program and Debian package. */
type Tool = readonly [program: string, debianPackage: string];
const openssl: Tool = ["openssl", "openssl"];
const tools: readonly Tool[] = [
  ["ip", "iproute2"],
  ["ss", "iproute2"],
  ["nsenter", "util-linux"],
  ["ping", "iputils-ping"],
  ["traceroute", "traceroute"],
  ["iperf3", "iperf3"],
];

export type Machine = { readonly uid: number; readonly path: string };

/** UnavailableError `LAB_LACKS`. */
export async function requireMachine(machine: Machine, tls: boolean): Promise<void> {
  const needed = tls ? [...tools, openssl] : tools;
  const lacks = [...rootLack(machine), ...(await toolLacks(machine, needed))];
  if (lacks.length > 0) throw lackError(lacks);
}

/** UnavailableError `LAB_LACKS`. */
export function requireRoot(machine: Machine): void {
  const lacks = rootLack(machine);
  if (lacks.length > 0) throw lackError(lacks);
}

const lackError = (lacks: readonly string[]): UnavailableError =>
  new UnavailableError({
    code: "LAB_LACKS",
    message: `the lab lacks ${lacks.join(", ")}; romana topology plan FILE shows a topology without any of it`,
    lacks,
  });

const rootLack = ({ uid }: Machine): string[] =>
  uid === 0 ? [] : ["root (it makes network namespaces: run it as root, or with sudo)"];

async function toolLacks({ path }: Machine, needed: readonly Tool[]): Promise<string[]> {
  const lacks: string[] = [];
  for (const [tool, debianPackage] of needed)
    if (!(await isInPath(tool, path))) lacks.push(`${tool} (Debian package ${debianPackage})`);
  if (!(await isProgram(plugin))) lacks.push(`${plugin} (native/build.sh makes it)`);
  return lacks;
}

async function isInPath(tool: string, path: string): Promise<boolean> {
  for (const directory of path.split(":")) if (await isProgram(join(directory, tool))) return true;
  return false;
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
