import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../../base/errors.ts";
import type { Change } from "../../../core/netlink/types.ts";
import type { ChangeResult, Kernel } from "../../../io/kernel/kernel.ts";
import { createLinkRemover } from "./remove-links.ts";

/** A kernel that keeps what it is sent and answers when told to. */
function slowKernel(codes: readonly string[] = []) {
  const sent: Change[][] = [];
  const answers: (() => void)[] = [];
  const result = (code: string | undefined): ChangeResult =>
    code === undefined ? { kind: "done" } : { kind: "failed", errno: 1, code, message: code };
  const apply = (changes: readonly Change[]): Promise<ChangeResult[]> => {
    sent.push([...changes]);
    return new Promise((resolve) => answers.push(() => resolve(changes.map((_, i) => result(codes[i])))));
  };
  return { kernel: { apply } as unknown as Kernel, sent, answer: () => answers.shift()?.() };
}
const names = (changes: readonly Change[] = []): string[] =>
  changes.map((change) => (change.kind === "link-group" ? change.name : change.kind));
const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what is asked for while the kernel works goes in its next turn, together", async () => {
  const { kernel, sent, answer } = slowKernel();
  const links = createLinkRemover(kernel);
  const first = links.remove("rom1");
  await turns();
  const rest = ["rom2", "rom3", "rom2"].map((name) => links.remove(name));
  await turns();
  assert.equal(sent.length, 1);
  answer();
  await first;
  await turns();
  assert.deepEqual(sent.map(names), [
    ["rom1", "group-delete"],
    ["rom2", "rom3", "group-delete"],
  ]);
  answer();
  await Promise.all(rest);
});

test("a link that is gone is done; any other refusal is told, and the next turn comes all the same", async () => {
  const gone = slowKernel(["ENODEV", "ENODEV"]);
  const removed = createLinkRemover(gone.kernel).remove("rom1");
  await turns();
  gone.answer();
  await removed;

  const { kernel, answer } = slowKernel(["EPERM"]);
  const links = createLinkRemover(kernel);
  for (const name of ["rom1", "rom2"]) {
    const refused = links.remove(name);
    await turns();
    answer();
    await assert.rejects(
      refused,
      (error) => error instanceof UnavailableError && error.message.includes(name),
    );
  }
});
