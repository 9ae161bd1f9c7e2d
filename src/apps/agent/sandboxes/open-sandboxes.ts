// The comparison with the container runtime at `--cri-socket`, if one is named.
import type { Runner } from "../../../base/runner.ts";
import type { AgentConfig } from "../config.ts";
import { type SandboxDeps, startSandboxLoop } from "./sandbox-loop.ts";

/** As kubelets are told of it too. */
const SCHEME = "unix://";

export async function openSandboxes(
  { criSocket, sandboxGrace }: Pick<AgentConfig, "criSocket" | "sandboxGrace">,
  deps: Omit<SandboxDeps, "sandboxes">,
): Promise<Runner | undefined> {
  if (criSocket === "") return undefined;
  const socket = criSocket.startsWith(SCHEME) ? criSocket.slice(SCHEME.length) : criSocket;
  // Only then: HTTP/2 takes memory.
  const { sandboxIds } = await import("../../../io/cri/sandboxes.ts");
  return startSandboxLoop(sandboxGrace, { ...deps, sandboxes: () => sandboxIds(socket) });
}
