// Topologies of other shapes than the default: all that must hold holds.
import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { leftovers, startLabProgram } from "../support/lab-program.ts";

const shapes: readonly (readonly [sentence: string, file: string, hostsPerRack: number, flag?: string])[] = [
  ["IPv6 alone, zones of different depth", "ipv6.yaml", 2],
  ["hosts without groups", "hosts.json", 1],
  ["four levels with names twice and listed hosts", "deep.yaml", 1],
  ["small, with certificates between daemon and agents", "small.yaml", 2, "--tls"],
  ["a tenant's network across racks", "tenants.yaml", 1],
];

suite("shapes", { concurrency: 2 }, () => {
  for (const [sentence, file, hostsPerRack, ...flags] of shapes)
    test(`${sentence} (${file})`, { timeout: 60_000 }, async () => {
      const path = join(import.meta.dirname, "../topologies", file);
      const lab = startLabProgram(
        path,
        `--hosts-per-rack=${hostsPerRack}`,
        "--pods-per-host=2",
        "--throughput=off",
        ...flags.filter((flag) => flag !== undefined),
      );
      assert.equal(await lab.ended, 0, lab.out() + lab.err());
      assert.match(lab.out(), /All of it holds/);
      assert.deepEqual(leftovers(lab.id()), []);
    });
});
