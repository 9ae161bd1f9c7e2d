// A page of docs/guide that is executed, in order and against a daemon: its files are written to a directory, its commands run there, and they print what
// it says.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { run } from "../../src/apps/cli/main.ts";
import { type Call, startDaemon } from "./daemon.ts";
import { createFakeClock } from "./fake-clock.ts";

/** Wall time of a guide's daemon, so that what it prints is what the page says. */
const START = Date.parse("2026-12-01T09:00:00Z");

/** What happens to a guide's cluster beside its commands. */
export type GuideCluster = {
  readonly call: Call;
  /** Moves the wall clock on; nothing else in the daemon's time. */
  readonly passes: (ms: number) => void;
};
export type GuideEvent = (cluster: GuideCluster) => Promise<void>;

/**
 * `atLeast`: how many commands the page has. `before`: what happens before a command, by its words, each time that they come a next one. The daemon's time
 * stands still, so none of its loops takes part.
 */
export async function executedGuide(
  page: string,
  atLeast: number,
  before: Readonly<Record<string, readonly GuideEvent[]>> = {},
): Promise<void> {
  const guide = readFileSync(join(import.meta.dirname, "../../docs/guide", page), "utf8");
  const directory = mkdtempSync(join(tmpdir(), "romana-guide-"));
  let now = START;
  const running = await startDaemon({ clock: { ...createFakeClock(), now: () => now } });
  const cluster: GuideCluster = { call: running.call, passes: (ms) => void (now += ms) };
  const events = new Map(Object.entries(before).map(([words, list]) => [words, list.values()]));
  const url = await running.app.listen({ host: "127.0.0.1", port: 0 });
  after(async () => {
    await running.close();
    rmSync(directory, { recursive: true, force: true });
  });
  for (const [, name = "", text = ""] of guide.matchAll(/^`(\S+)`:\n\n```(?:yaml|json)\n(.*?)^```$/gms))
    writeFileSync(join(directory, name), text);
  const romana = async (words: string): Promise<string> => {
    let printed = "";
    const print = (text: string): void => void (printed += text);
    const argv = [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(
      ([, quoted, word = ""]) => quoted ?? (/\.(?:yaml|json)$/.test(word) ? join(directory, word) : word),
    );
    await run(argv, { ROMANA_ROOT_URL: url }, { out: print, err: print });
    return printed.replaceAll(`${directory}/`, "");
  };
  const sessions = [...guide.matchAll(/^```console\n\$ romana ([^\n]*)\n(.*?)^```$/gms)];

  test("the guide has commands", () => {
    assert.ok(sessions.length >= atLeast, `${sessions.length} commands`);
  });
  for (const [, words = "", output = ""] of sessions)
    test(`the guide tells the truth: romana ${words}`, async () => {
      await events.get(words)?.next().value?.(cluster);
      assert.equal(await romana(words), output);
    });
}
