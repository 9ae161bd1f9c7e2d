// What is written in passing: nearly always there is nothing to write, and then the store is not asked.
import type { IpamState } from "../../core/ipam/state.ts";
import type { Plan } from "../../core/ipam/types.ts";
import type { Daemon } from "./daemon.ts";
import type { Writer } from "./writer.ts";

/** Whether anything was written; it is told by the watch then, here too. `submit`: the leader's, where only the leader may. */
export async function note(
  { mirror, writer }: Pick<Daemon, "mirror" | "writer">,
  plan: (state: IpamState) => Plan,
  submit: Writer["submit"] = (decide) => writer.submit(decide),
): Promise<boolean> {
  if (plan(mirror.state).writes.length === 0) return false;
  const isWritten = await submit((state) => {
    const planned = plan(state);
    return { value: planned.writes.length > 0, plan: planned };
  });
  if (isWritten) await mirror.catchUp(mirror.written);
  return isWritten;
}
