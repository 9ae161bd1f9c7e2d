// A process with a sqlite store, for tests that kill it. Says `open` and then writes without end, several transactions at a time:
// each puts `WIDTH` keys with one value, and is noted when it is acknowledged, a line each: `<writer> <value> <revision>`. The notes
// are in a file, which takes them whoever is slow to read.
// Arguments: path, first value. Without a value it only holds the store.
import { openSync, writeSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { openSqliteStore } from "../../src/io/store/sqlite-store.ts";

export const WRITERS = 8;
export const WIDTH = 5;
export const notesOf = (path: string): string => `${path}-notes`;
export const keyFor = (writer: number, part: number): string => `w${writer}/${part}`;

async function main(path: string, from: number | undefined): Promise<void> {
  const store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
  const notes = openSync(notesOf(path), "a");
  writeSync(1, "open\n");
  const write = async (writer: number): Promise<never> => {
    for (let value = from ?? 0; ; value++) {
      const operations = Array.from({ length: WIDTH }, (_, part) => ({
        kind: "put" as const,
        key: keyFor(writer, part),
        value: String(value).padEnd(300),
      }));
      const { revision } = await store.txn([], operations);
      writeSync(notes, `${writer} ${value} ${revision}\n`);
    }
  };
  if (from === undefined) process.stdin.resume();
  else await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
}

const [, program, path, from] = process.argv;
if (program === import.meta.filename && path !== undefined)
  await main(path, from === undefined ? undefined : Number(from));
