// Deletes the host ends of pods, and with them their peers. What is asked for while the kernel is at work goes in its next turn, all
// at once: the kernel waits tens of milliseconds for its readers, once a turn and not once a link.
import { UnavailableError } from "../../../base/errors.ts";
import type { ChangeResult, Kernel } from "../../../io/kernel/kernel.ts";

export interface LinkRemover {
  /** Resolves when no link has this name; fine when none had. UnavailableError `LINK_DELETE`. */
  remove(name: string): Promise<void>;
}

/** "rom" in ASCII. No link is in this group but on its way out. */
const GROUP = 0x726f6d;

export function createLinkRemover(kernel: Kernel): LinkRemover {
  let turn: Promise<unknown> = Promise.resolve();
  let next: { readonly names: Set<string>; readonly done: Promise<void> } | undefined;
  return {
    remove(name) {
      if (!next) {
        const names = new Set<string>();
        const done = turn.then(() => {
          next = undefined;
          return removeAll([...names], kernel);
        });
        next = { names, done };
        turn = done.catch(() => undefined);
      }
      next.names.add(name);
      return next.done;
    },
  };
}

async function removeAll(names: readonly string[], kernel: Kernel): Promise<void> {
  const results = await kernel.apply([
    ...names.map((name) => ({ kind: "link-group", name, group: GROUP }) as const),
    { kind: "group-delete", group: GROUP },
  ]);
  results.forEach((result, i) => {
    if (!isGone(result)) throw failure(names[i] ?? names.join(", "), result);
  });
}

const isGone = (result: ChangeResult): boolean => result.kind === "done" || result.code === "ENODEV";

function failure(name: string, result: ChangeResult): UnavailableError {
  const found = result.kind === "failed" ? `${result.code} ${result.message}` : "";
  return new UnavailableError({ code: "LINK_DELETE", message: `delete ${name}: the kernel said ${found}` });
}
