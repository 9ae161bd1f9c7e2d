// What the commands share: one attachment of a network with the names of its parts, and what they work with.
import type { AddressReply, AddressRequest } from "../../../core/api/types.ts";
import type { Endpoints } from "../endpoints.ts";
import type { PacketFilter } from "../filter/packet-filter.ts";
import type { Share } from "../filter/share.ts";
import { attachmentName } from "../../../core/model/attachment-name.ts";
import type { PodSource } from "../pods/pod-source.ts";
import { type AttachDeps, hostInterfaceName } from "./attach.ts";
import type { CniConfig } from "./cni-config.ts";
import type { Attachment } from "./cni-request.ts";

/** Whose address is released: that of one allocation, or what the host holds. */
export type Holder = { readonly sequence: number } | { readonly host: string };

export type CniDeps = AttachDeps & {
  readonly daemon: {
    allocate(request: AddressRequest): Promise<AddressReply>;
    /** InputError 404 or 409: nothing is held under the name, or not by this holder. */
    release(name: string, holder: Holder): Promise<unknown>;
    /** All that the host holds. */
    addresses(host: string): Promise<readonly AddressReply[]>;
  };
  readonly endpoints: Endpoints;
  /** Where Kubernetes is asked about pods. */
  readonly pods?: PodSource | undefined;
  readonly hostname: string;
  readonly table: number;
  readonly share: Pick<Share, "has">;
  readonly filter: Pick<PacketFilter, "isBusy" | "sync">;
  /** Bytes, for pods whose configuration names none. */
  readonly mtu: () => number;
  /** What keeps this node from attaching pods; `undefined`: nothing. */
  readonly notReady: () => string | undefined;
};

export type Attached = {
  readonly config: CniConfig;
  readonly attachment: Attachment;
  /** Of its address at the daemon and of its endpoint here. */
  readonly name: string;
  readonly hostInterface: string;
};

export function attachedOf({ config, attachment }: Pick<Attached, "config" | "attachment">): Attached {
  const parts = [config.name, attachment.containerId, attachment.ifname] as const;
  return { config, attachment, name: attachmentName(...parts), hostInterface: hostInterfaceName(...parts) };
}

/** What follows from the name of an attachment alone. */
export type Parts = Pick<Attached, "name" | "hostInterface">;

export function partsOf(name: string): Parts {
  const [network = "", containerId = "", ifname = ""] = name.split("/");
  return { name, hostInterface: hostInterfaceName(network, containerId, ifname) };
}
