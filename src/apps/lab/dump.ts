// What a failed lab leaves for a reader: rules, routes, snapshot, ends of logs. Never throws: it is shown on the way out.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createApi } from "./api.ts";
import { netnsPath, type Run } from "./fabric.ts";
import { findNamespaces } from "./namespaces.ts";
import { labDirectory, type LabState, loadState } from "./state.ts";

const LOG_BYTES = 3000;
const COMMANDS = [
  ["ip", "rule"],
  ["ip", "-6", "rule"],
  ["ip", "-4", "route", "show", "table", "all"],
  ["ip", "-6", "route", "show", "table", "all"],
] as const;
/** Routes that the kernel makes of its own addresses: of no interest here, and many. */
const NOISE = /^(local|broadcast|anycast|multicast) .*\n/gm;

export async function dumpLab(id: string, run: Run): Promise<string> {
  const directory = labDirectory(id);
  const nodes = (await findNamespaces(id)).filter(({ node }) => !/-p\d+$/.test(node));
  const kernels = await Promise.all(nodes.map(({ node, namespace }) => kernelText(node, namespace, run)));
  const state = await loadState(directory).catch(() => undefined);
  const names = ["daemon", "controller", ...(state?.hosts.map((host) => host.name) ?? [])];
  const logs = await Promise.all(names.map((name) => logText(directory, name)));
  return [...kernels, await snapshotText(state), ...logs].join("\n");
}

async function kernelText(node: string, namespace: string, run: Run): Promise<string> {
  const outputs = await Promise.all(
    COMMANDS.map((argv) =>
      run(argv, { netns: netnsPath(namespace), timeout: 2000 }).then(
        (result) => result.stdout.replaceAll(NOISE, "") + result.stderr,
        (error: unknown) => String(error),
      ),
    ),
  );
  return `=== ${node}\n${outputs.map((text, i) => `$ ${COMMANDS[i]?.join(" ") ?? ""}\n${text}`).join("")}`;
}

async function logText(directory: string, name: string): Promise<string> {
  const text = await readFile(join(directory, `${name}.log`), "utf8").catch((error: unknown) =>
    String(error),
  );
  return `=== log of ${name}\n${text.slice(-LOG_BYTES)}`;
}

async function snapshotText(state: LabState | undefined): Promise<string> {
  if (!state) return "=== no state";
  const api = createApi(state);
  const parts = ["/topology", "/hosts", "/blocks"].map((path) =>
    api.call("GET", path).then(
      (reply) => `=== GET ${path}\n${JSON.stringify(reply)}`,
      (error: unknown) => `=== GET ${path}\n${String(error)}`,
    ),
  );
  return (await Promise.all(parts)).join("\n");
}
