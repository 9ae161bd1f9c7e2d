// The CNI commands. Two requests for the same attachment never run at the same time: a runtime that lost patience with an ADD sends
// its DEL while that ADD still works.
import { createKeyedLock, type KeyedLock } from "../../../base/lock.ts";
import { add } from "./add.ts";
import { asAnnotated } from "./as-annotated.ts";
import { type Attached, attachedOf, type CniDeps } from "./attached.ts";
import { checkAttachment } from "./check.ts";
import { configError } from "./cni-config.ts";
import { CNI_CODE, CniError } from "./cni-error.ts";
import type { CniRequest } from "./cni-request.ts";
import { collect, remove } from "./remove.ts";

/** Runs requests; resolves with what goes to stdout. Throws what `asCniError` understands. `turns`: one at a time, by attachment. */
export function createCommands(
  deps: CniDeps,
  turns: KeyedLock = createKeyedLock(),
): (request: CniRequest) => Promise<string> {
  return async (request) => {
    const { hostName } = request.config;
    if (hostName !== undefined && hostName !== deps.hostname)
      throw configError("romana_host_name", hostName, `"${deps.hostname}", the agent's own`);
    switch (request.command) {
      case "STATUS":
        return status(deps);
      case "GC":
        await collect(request.config, deps, turns);
        return "";
      default: {
        const attached = attachedOf(request);
        return turns.run(attached.name, () => runOne(request.command, attached, deps));
      }
    }
  };
}

async function runOne(command: "ADD" | "DEL" | "CHECK", attached: Attached, deps: CniDeps): Promise<string> {
  if (command === "ADD") return add(await described(attached, deps), deps);
  if (command === "DEL") await remove(attached, deps);
  else await checkAttachment(attached, deps);
  return "";
}

/** With what Kubernetes says of its pod, where the runtime is Kubernetes' and the agent asks. */
async function described(attached: Attached, { pods }: CniDeps): Promise<Attached> {
  const { config, attachment } = attached;
  if (!pods || attachment.pod === undefined) return attached;
  const pod = await pods.find(attachment.pod, attachment.podUid);
  return { ...attached, attachment: asAnnotated(attachment, config, pod) };
}

function status({ notReady }: CniDeps): string {
  const reason = notReady();
  if (reason !== undefined)
    throw new CniError(CNI_CODE.pluginNotAvailable, "this node cannot attach pods", reason);
  return "";
}
