// Which pod sandboxes a container runtime has: ListPodSandbox of its CRI, runtime.v1.
import { readerOf } from "../protobuf/protobuf-read.ts";
import { grpcCall } from "./grpc-call.ts";

/** All of them: the request has no fields. */
const LIST = {
  method: "/runtime.v1.RuntimeService/ListPodSandbox",
  message: new Uint8Array(),
  timeout: 10_000,
};
/** The one field that is asked about: `repeated PodSandbox items = 1`, of each `string id = 1`. */
const read = readerOf<{ readonly items: readonly { readonly id: string }[] }>({
  items: [1, { id: [1, "string"] }, "repeated"],
});

/** Ids of all that the runtime at the unix socket knows, ready or not. UnavailableError `GRPC`, `PROTOBUF`. */
export async function sandboxIds(socket: string): Promise<ReadonlySet<string>> {
  const { items } = read(await grpcCall(socket, LIST));
  return new Set(items.map(({ id }) => id));
}
