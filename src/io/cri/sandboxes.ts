// Which pod sandboxes a container runtime has: ListPodSandbox of its CRI, runtime.v1.
import { UnavailableError } from "../../base/errors.ts";
import { grpcCall } from "./grpc-call.ts";
import { fieldOne } from "./protobuf.ts";

/** All of them. */
const LIST = {
  method: "/runtime.v1.RuntimeService/ListPodSandbox",
  message: new Uint8Array(),
  timeout: 10_000,
};

/** Ids of all that the runtime at the unix socket knows, ready or not. UnavailableError `GRPC`, `CRI_REPLY`. */
export async function sandboxIds(socket: string): Promise<ReadonlySet<string>> {
  const reply = await grpcCall(socket, LIST);
  try {
    // `repeated PodSandbox items = 1`, of each `string id = 1`.
    return new Set(fieldOne(reply).flatMap((sandbox) => fieldOne(sandbox).map((id) => id.toString("utf8"))));
  } catch (cause) {
    throw new UnavailableError({ code: "CRI_REPLY", socket, error: String(cause) }, { cause });
  }
}
