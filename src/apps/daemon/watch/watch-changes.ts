// Which of the store's changes agents see, and as what.
import type { Write } from "../../../core/ipam/types.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import { topologyDocument } from "../../../core/topology/topology-document.ts";
import { blockView, hostReply } from "../routes/views.ts";
import type { WatchChange } from "./watch-world.ts";

/** In the given order; addresses, blackouts and guards are nobody's business. */
export const watchChanges = (writes: readonly Write[]): WatchChange[] => writes.flatMap(watchChange);

function watchChange(write: Write): WatchChange | [] {
  switch (write.kind) {
    case "put-topology":
      return { type: "put", kind: "topology", key: "topology", value: topologyDocument(write.topology) };
    case "put-host":
      return { type: "put", kind: "host", key: write.host.name, value: hostReply(write.host) };
    case "delete-host":
      return { type: "delete", kind: "host", key: write.name };
    case "put-block": {
      const value = blockView(write.block);
      return { type: "put", kind: "block", key: value.cidr, value };
    }
    case "delete-block":
      return { type: "delete", kind: "block", key: formatCidr(write.cidr) };
    default:
      return [];
  }
}
