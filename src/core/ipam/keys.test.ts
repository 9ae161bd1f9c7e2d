import assert from "node:assert/strict";
import { test } from "node:test";
import type { Policy } from "../model/policy.ts";
import { parseCidr } from "../net/cidr.ts";
import { allocate } from "./allocate.ts";
import { keyOfWrite, valueOfWrite, writeOfEntry } from "./keys.ts";
import { applyWrites } from "./state.ts";
import { ask, hostIn, options, smallWorld } from "./testdata/world.ts";
import type { Write } from "./types.ts";

test("a write read back from its key and text is the same write", () => {
  const state = smallWorld();
  const answer = allocate(state, ask("ns/pod#1"), options);
  assert.equal(answer.kind, "allocated");
  const cidr = parseCidr("10.0.0.0/29");
  const policy: Policy = {
    ...{ id: "a b", description: "", direction: "egress" },
    subjects: [{ kind: "hosts" }],
    rules: [],
  };
  const ports = [{ name: "http", protocol: "tcp" as const, port: 80 }];
  const pod = { id: "shop/web-1", host: "h1", labels: { app: "web" }, ports };
  const writes: Write[] = [
    ...(answer.kind === "allocated" ? answer.writes : []),
    { kind: "put-topology", topology: state.topology },
    { kind: "put-host", host: hostIn("h/1", "a", undefined) },
    { kind: "delete-host", name: "h/1" },
    { kind: "delete-block", cidr },
    { kind: "delete-address", name: "ns/pod#1" },
    { kind: "put-blackout", blackout: { cidr, reason: "router" } },
    { kind: "delete-blackout", cidr },
    { kind: "put-evidence", evidence: { host: "h/1", missing: [], claims: [] } },
    { kind: "delete-evidence", host: "h/1" },
    { kind: "put-adoption", adoption: { round: 3, state: "lost", isNew: true } },
    { kind: "put-adoption", adoption: { round: 3, state: "asked", first: { round: 2, revision: 7 } } },
    { kind: "put-adoption", adoption: { round: 3, state: "open", by: "force" } },
    { kind: "put-reported", reported: { host: "h/1", round: 3 } },
    { kind: "delete-reported", host: "h/1" },
    { kind: "put-reservation", reservation: { cidr, reason: "" } },
    { kind: "delete-reservation", cidr },
    { kind: "put-limit", limit: { tenant: "a/b", total: 3, networks: { four: 2 } } },
    { kind: "put-limit", limit: { tenant: "a/b", networks: {} } },
    { kind: "delete-limit", tenant: "a/b" },
    { kind: "put-policy", policy },
    { kind: "delete-policy", id: "a b" },
    { kind: "put-pod", pod },
    { kind: "delete-pod", id: "shop/web-1" },
    { kind: "put-tenant", tenant: { name: "shop", labels: { team: "x" } } },
    { kind: "delete-tenant", id: "shop" },
    { kind: "bump-guard", network: "four" },
  ];
  for (const write of writes)
    assert.deepEqual(writeOfEntry(keyOfWrite(write), valueOfWrite(write)), write, write.kind);
  applyWrites(state, writes);
});

test("keys of no record are passed over", () => {
  for (const key of ["/romana/v3/nonsense/x", "/romana/v3/blocks/nonsense"])
    assert.equal(writeOfEntry(key, undefined), undefined);
});
