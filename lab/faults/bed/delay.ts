// What a daemon hears of etcd and says to it can be late: it goes through proxies, as this kernel cannot delay packets.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Bed, stop } from "../../../test/support/bed.ts";
import type { ToProxy } from "./delay-proxy.ts";
import type { Place } from "./place.ts";

export type Delay = {
  /** Where the targets are to be reached now, in their order. */
  readonly urls: readonly string[];
  /** From now on every byte is so many milliseconds late. */
  set(milliseconds: number): void;
};

export async function startDelay(bed: Bed, place: Place, targets: readonly string[]): Promise<Delay> {
  const program = [process.execPath, join(import.meta.dirname, "delay-proxy.ts")];
  const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
  const child = spawn("nsenter", [`--net=${place.netns}`, "--", ...program], { stdio: [...stdio] });
  bed.onDispose(() => stop(child, "SIGKILL"));
  const tell = (message: ToProxy): void => void (child.connected && child.send(message));
  tell({ targets });
  const [urls] = (await once(child, "message")) as [string[]];
  return { urls, set: (delay) => tell({ delay }) };
}
