// BIRD drops root before it reads its file again: the file is its own.
import assert from "node:assert/strict";
import { chown, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createBirdConfiguration } from "./bird-configuration.ts";

test("the file has the directory's owner, and keeps one that it has", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "romana-bird-"));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, "bird.conf");
  const configuration = createBirdConfiguration(path, "bird");
  const owner = async (): Promise<number[]> => {
    const { uid, gid } = await stat(path);
    return [uid, gid];
  };
  await chown(dir, 1234, 1235);
  await configuration.replace("protocol device {}\n");
  assert.deepEqual(await owner(), [1234, 1235]);
  await chown(path, 0, 1236);
  await configuration.replace("protocol device { }\n");
  assert.deepEqual(await owner(), [0, 1236]);
});
