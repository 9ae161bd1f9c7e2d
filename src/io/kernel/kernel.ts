// The kernel of one network namespace, over netlink sockets that the native helper opened there.
import type { Change, InterfaceAddress, Link, Notification, Route, Rule } from "../../core/netlink/types.ts";
import type { Nftables } from "./nftables.ts";
import type { Family } from "../../core/net/ip.ts";

/** Outcome of one change: done, or the kernel's errno. */
export type ChangeResult =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly errno: number; readonly code: string; readonly message: string };

export interface Kernel {
  links(): Promise<readonly Link[]>;
  /** `undefined`: there is none of this index. */
  link(index: number): Promise<Link | undefined>;
  addresses(): Promise<readonly InterfaceAddress[]>;
  /** All routes of the family, or those of one table. */
  routes(family: Family, table?: number): Promise<readonly Route[]>;
  rules(family: Family): Promise<readonly Rule[]>;
  /** Sends all changes in as few sends as they fit in and resolves with one result each, in order. A failed change does not stop the next. */
  apply(changes: readonly Change[]): Promise<readonly ChangeResult[]>;
  /**
   * What others do to routes, rules, links, addresses and forwarding in this namespace, from the moment the promise resolves until
   * `signal` aborts. Each value is what came since the last. Ends with an UnavailableError `NATIVE_DIED` when the helper dies.
   */
  notifications(signal: AbortSignal): Promise<AsyncIterable<readonly Notification[]>>;
  /** A file as seen from inside the namespace, for /proc/sys/net. UnavailableError `FILE_READ`, `FILE_WRITE` names the errno. */
  readFile(path: string): Promise<string>;
  writeFile(path: string, text: string): Promise<void>;
  close(): Promise<void>;
}

export type CommandResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** The native helper process: one per program, started once, so that nothing is forked from a large Node heap. */
export interface NativeHelper {
  /** Opens netlink sockets in the namespace at `path` (as `/run/netns/x` or `/proc/1/ns/net`); own namespace where `undefined`. UnavailableError `NETNS_GONE` when the path does not name a network namespace. */
  kernel(netns?: string): Promise<Kernel>;
  /** As `kernel`, for nftables. */
  nftables(netns?: string): Promise<Nftables>;
  /** A descriptor number in the helper for `Change.peerNetnsFd`; it stays open as long as the helper lives. Own namespace where `undefined`. */
  openNetns(path?: string): Promise<number>;
  /** Runs a program inside the namespace, with a deadline in milliseconds. */
  run(
    argv: readonly string[],
    options?: { readonly netns?: string; readonly stdin?: string; readonly timeout?: number },
  ): Promise<CommandResult>;
  close(): Promise<void>;
}
