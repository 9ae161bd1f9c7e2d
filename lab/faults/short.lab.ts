// The short form of `npm run soak`: three daemons on three etcd members, every kind of fault, and the judgement of what clients were told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bed } from "../../test/support/bed.ts";
import { FAULT_KINDS, type FaultKind } from "./plan-faults.ts";
import { runFaults } from "./run.ts";

const OPERATIONS = 20_000;
const SEED = 20_261_125;

test(
  `${OPERATIONS} operations under every fault: no address held by two, none lost, none that nobody asked for`,
  { timeout: 280_000 },
  async () => {
    const bed = new Bed("built");
    try {
      const { violations, faults, operations } = await runFaults(bed, {
        ...{ seed: SEED, operations: OPERATIONS, rounds: 2, members: 3, daemons: 3, clients: 2 },
        limit: 240_000,
        progress: () => undefined,
      });
      assert.deepEqual(violations, [], `seed ${SEED}`);
      assert.ok(operations >= OPERATIONS, `only ${operations} operations in the time`);
      const kinds: readonly FaultKind[] = [...FAULT_KINDS.store, ...FAULT_KINDS.daemon];
      assert.deepEqual(
        kinds.filter((kind) => (faults[kind] ?? 0) < 2),
        [],
        "faults that did not come twice",
      );
    } finally {
      await bed.dispose();
    }
  },
);
