// A client in a place of its own: started, told its plan, heard until it is done.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Bed, stop } from "../../../test/support/bed.ts";
import type { ClientPlan, FromClient, ToClient } from "../client/plan.ts";
import type { Given } from "../history/history.ts";
import type { Place } from "./place.ts";

const MAIN = join(import.meta.dirname, "../client/main.ts");

export type ClientProcess = {
  /** Requests made so far. */
  readonly operations: () => number;
  /** No more requests; those under way are answered or given up. */
  readonly stop: () => void;
  /** What it believes to hold at its end. Rejects if it died. */
  readonly done: Promise<readonly Given[]>;
};

export function startClient(bed: Bed, place: Place, plan: ClientPlan): ClientProcess {
  const argv = [`--net=${place.netns}`, "--", process.execPath, MAIN];
  const child = spawn("nsenter", argv, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  bed.onDispose(() => stop(child, "SIGKILL"));
  let operations = 0;
  const tell = (message: ToClient): void => void (child.connected && child.send(message));
  const done = new Promise<readonly Given[]>((resolve, reject) => {
    child.on("message", (message: FromClient) => {
      if (message.kind === "progress") operations = message.operations;
      else resolve(message.held);
    });
    void once(child, "exit").then(() => reject(new Error(`client ${plan.name} died`)));
  }).finally(() => stop(child));
  tell({ kind: "begin", plan });
  return { operations: () => operations, stop: () => tell({ kind: "stop" }), done };
}
