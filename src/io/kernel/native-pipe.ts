// What the kernel adapter needs of the native process, and what it hears from it. Types and names of errors only.
import { getSystemErrorName } from "node:util";
import type { UnavailableError } from "../../base/errors.ts";

/** What a channel hears: a datagram, or that the socket lost some. */
export type ChannelListener = {
  readonly datagram: (bytes: Buffer) => void;
  readonly overrun: () => void;
  readonly failed: (error: UnavailableError) => void;
};
/** `protocol`: NETLINK_…; `groups`: bits of multicast groups. */
export type NetlinkFamily = { readonly protocol: number; readonly groups: number };
export type Channel = { send(bytes: Uint8Array): void; close(): void };

/** Requests to the native process, for the kernel adapter beside this file. */
export interface NativePipe {
  /** UnavailableError `NETNS_GONE`, `NETLINK_OPEN`. */
  openChannel(netns: string, family: NetlinkFamily, listener: ChannelListener): Promise<Channel>;
  /** As `Kernel`'s. */
  readFile(netns: string, path: string): Promise<string>;
  writeFile(netns: string, path: string, text: string): Promise<void>;
  /** The `NATIVE_DIED` of a helper that has died or was closed. */
  dead(): UnavailableError | undefined;
}

/** As "ENOENT"; "0" for success. */
export const errnoName = (errno: number): string => (errno > 0 ? getSystemErrorName(-errno) : "0");
