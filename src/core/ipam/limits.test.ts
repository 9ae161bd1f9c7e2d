import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../net/ip.ts";
import { adopt } from "./adopt.ts";
import { allocate } from "./allocate.ts";
import { planLimit, usedBy } from "./limits.ts";
import { applyWrites, type IpamState } from "./state.ts";
import { free, give, ask, options, smallWorld } from "./testdata/world.ts";

const limit = (state: IpamState, tenant: string, most: number | undefined, network?: string): void =>
  applyWrites(state, planLimit(state, { tenant, ...(network !== undefined && { network }) }, most).writes);

test("a tenant gets no more than its limit in all networks together, and one more when one is free", () => {
  const state = smallWorld("four");
  limit(state, "red", 2);
  assert.deepEqual([give(state, "a"), give(state, "b")], ["10.0.0.0", "10.0.0.1"]);
  assert.deepEqual(allocate(state, ask("c"), options), {
    ...{ kind: "limit-reached", tenant: "red", network: undefined, most: 2, used: 2 },
  });
  assert.equal(give(state, "a"), "10.0.0.0", "what it has it has");
  assert.equal(give(state, "other", { tenant: "blue" }), "10.0.0.8");
  free(state, "a");
  assert.equal(give(state, "c"), "10.0.0.2");
});

test("each address of a pod counts: one with two families does not fit where one is left", () => {
  const state = smallWorld("four", "six");
  limit(state, "red", 3);
  give(state, "a");
  assert.equal(give(state, "b"), "limit-reached");
  assert.equal(usedBy(state, "red"), 2);
});

test("a tenant at its limit in one network goes on to the next, and is refused where there is none", () => {
  const state = smallWorld("four", "blue");
  limit(state, "blue", 1, "blue");
  const blue = { tenant: "blue" };
  assert.deepEqual([give(state, "a", blue), give(state, "b", blue)], ["10.1.0.0", "10.0.0.0"]);
  limit(state, "blue", 1, "four");
  assert.deepEqual(allocate(state, ask("c", blue), options), {
    ...{ kind: "limit-reached", tenant: "blue", network: "blue", most: 1, used: 1 },
  });
  const wanted = { ...blue, ips: [parseIp("10.1.0.3")] };
  assert.equal(give(state, "d", wanted), "limit-reached", "asked for by number, too");
  limit(state, "blue", undefined, "blue");
  assert.equal(give(state, "d", wanted), "10.1.0.3");
});

test("what is adopted writes the tenant's limit, so that who allocates at that moment counts it", () => {
  const state = smallWorld("four");
  const endpoint = { ips: [parseIp("10.0.0.3")], segment: "", sequence: 1 };
  const limits = (tenant: string) => {
    const { writes } = adopt(state, "h1", [{ ...endpoint, name: tenant, tenant }], { now: 1 });
    return writes.flatMap((write) => (write.kind === "put-limit" ? [write.limit.tenant] : []));
  };
  limit(state, "red", 2);
  assert.deepEqual([limits("red"), limits("green")], [["red"], []]);
});

test("a limit that is lowered takes nothing, and refuses until enough is free", () => {
  const state = smallWorld("four");
  for (const name of ["a", "b", "c"]) give(state, name);
  limit(state, "red", 1);
  for (const name of ["a", "b"]) {
    assert.equal(give(state, "d"), "limit-reached");
    free(state, name);
  }
  assert.equal(give(state, "d"), "limit-reached");
  free(state, "c");
  assert.equal(give(state, "d"), "10.0.0.3");
});

test("limits are changed one by one, and the record goes with the last", () => {
  const state = smallWorld("four");
  limit(state, "red", 5);
  limit(state, "red", 2, "four");
  assert.deepEqual(state.limits.get("red"), { tenant: "red", total: 5, networks: { four: 2 } });
  limit(state, "red", undefined);
  assert.deepEqual(state.limits.get("red"), { tenant: "red", networks: { four: 2 } });
  const { writes } = planLimit(state, { tenant: "red", network: "four" }, undefined);
  assert.deepEqual(writes, [
    { kind: "delete-limit", tenant: "red" },
    { kind: "bump-guard", network: "four" },
  ]);
});

test("only an allocation for a limited tenant writes the limit", () => {
  const state = smallWorld("four");
  limit(state, "red", 5);
  const kinds = (tenant: string) => {
    const answer = allocate(state, ask("a", { tenant }), options);
    return answer.kind === "allocated" ? answer.writes.map(({ kind }) => kind) : [];
  };
  assert.deepEqual(kinds("red"), ["put-block", "put-address", "put-limit"]);
  assert.deepEqual(kinds("blue"), ["put-block", "put-address"]);
});
