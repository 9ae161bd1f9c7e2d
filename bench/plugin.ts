// CNI plugins as a runtime runs them, timed: forked from a small process that is already in the host's namespace. A Node that forks
// itself or an `nsenter` in between would cost more than the plugin.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { type Bed, nativePath, stop } from "../test/support/bed.ts";

export interface Plugins {
  /** Runs a plugin with the configuration; its stdout and the milliseconds from exec to the end of its reply. */
  run(path: string, call: PluginCall, config: object): Promise<{ stdout: string; milliseconds: number }>;
}

export type PluginCall = {
  readonly command: "ADD" | "DEL" | "VERSION";
  readonly id: string;
  readonly netns: string;
  readonly args?: string;
};

/** Romana's plugin under the name that runtimes call it by. */
export const romanaPlugin = `${nativePath} cni`;
const END = "\u0001";

/** A shell in `netns`, which runs one plugin after the other. */
export function startPlugins(bed: Bed, netns: string): Plugins {
  const shell = spawn("nsenter", [`--net=${netns}`, "sh"], { stdio: ["pipe", "pipe", "inherit"] });
  bed.onDispose(() => stop(shell, "SIGKILL"));
  const configFile = `${bed.dir}/${netns.split("/").at(-1)}.plugin.json`;
  return {
    async run(path, call, config) {
      writeFileSync(configFile, JSON.stringify(config));
      const words = Object.entries(environment(call)).map(([key, value]) => `${key}='${value}'`);
      const start = performance.now();
      shell.stdin.write(`${words.join(" ")} ${path} <${configFile}; printf '\\001%s\\001' $?\n`);
      const [stdout = "", code] = (await untilEnd(shell)).split(END);
      const milliseconds = performance.now() - start;
      if (code !== "0") throw new Error(`${path} ended with ${String(code)}: ${stdout}`);
      return { stdout, milliseconds };
    },
  };
}

function environment({ command, id, netns, args = "" }: PluginCall): Record<string, string> {
  return {
    ...{ CNI_COMMAND: command, CNI_CONTAINERID: id, CNI_NETNS: netns, CNI_IFNAME: "eth0" },
    ...{ CNI_ARGS: args, CNI_PATH: "/usr/lib/cni" },
  };
}

/** What the shell's programs printed, up to the second end mark. */
function untilEnd({ stdout }: ChildProcess): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error("bench: the shell ended"));
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      if (text.split(END).length < 3) return;
      stdout?.off("data", read).off("close", closed);
      resolve(text);
    };
    stdout?.on("data", read).once("close", closed);
  });
}
