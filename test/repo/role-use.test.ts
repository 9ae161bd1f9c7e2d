// The roles of deploy/manifests: each right is one that somebody asked for, and nobody asked for another. Against what an API server of
// Kubernetes 1.36.3 recorded of agent, daemon and listener; `npm run e2e` compares with the log of its own run.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { manifests } from "../support/manifests.ts";
import { type AuditEvent, compareRoles, type Manifest } from "../support/role-use.ts";

const recorded = readFileSync(join(import.meta.dirname, "testdata/audit.jsonl"), "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line) as AuditEvent);

const withRoles = [...manifests].filter(([, objects]) => objects.some(({ kind }) => kind === "ClusterRole"));

test("there are roles", () => assert.ok(withRoles.length >= 2));
for (const [file, objects] of withRoles)
  test(`${file}: no right is missing, none is unused`, () => {
    assert.deepEqual(compareRoles(objects as unknown as Manifest[], recorded), { missing: [], unused: [] });
  });

const subject = { kind: "ServiceAccount", name: "a", namespace: "n" };
const roleOf = (kind: "Role" | "ClusterRole", rule: object): Manifest[] => {
  const metadata = { name: "r", ...(kind === "Role" && { namespace: "n" }) };
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"], ...rule }];
  return [
    { kind, metadata, rules },
    { kind: `${kind}Binding`, metadata, roleRef: { kind, name: "r" }, subjects: [subject] },
  ];
};
const user = { username: "system:serviceaccount:n:a" };
const asked = (verb: string, objectRef: AuditEvent["objectRef"] = { resource: "pods" }): AuditEvent => ({
  ...{ verb, user, objectRef },
});

/** Manifests, the log, and what is missing and unused. */
const rows: readonly (readonly [string, Manifest[], AuditEvent[], string[], string[]])[] = [
  ["what is asked for and allowed", roleOf("ClusterRole", {}), [asked("get")], [], []],
  ["a right that nobody asks for", roleOf("ClusterRole", {}), [], [], ["n/a: get pods"]],
  [
    "a verb without a right",
    roleOf("ClusterRole", {}),
    [asked("get"), asked("list")],
    ["n/a: list pods"],
    [],
  ],
  [
    "a part of a resource, which is another",
    roleOf("ClusterRole", {}),
    [asked("get"), asked("get", { resource: "pods", subresource: "status" })],
    ["n/a: get pods/status"],
    [],
  ],
  [
    "a resource of another group",
    roleOf("ClusterRole", {}),
    [asked("get"), asked("get", { resource: "pods", apiGroup: "metrics.k8s.io" })],
    ["n/a: get pods.metrics.k8s.io"],
    [],
  ],
  [
    "another namespace than the role's",
    roleOf("Role", {}),
    [asked("get", { resource: "pods", namespace: "other" })],
    ["n/a: get pods"],
    ["n/a: get pods"],
  ],
  [
    "another name than the role's",
    roleOf("ClusterRole", { resourceNames: ["mine"] }),
    [asked("get", { resource: "pods", name: "mine" }), asked("get", { resource: "pods", name: "theirs" })],
    ["n/a: get pods"],
    [],
  ],
  [
    "accounts that the manifests do not bind, people, and what is no resource",
    roleOf("ClusterRole", {}),
    [
      asked("get"),
      { ...asked("list"), user: { username: "system:serviceaccount:n:other" } },
      { ...asked("list"), user: { username: "kubernetes-admin" } },
      { verb: "get", user },
    ],
    [],
    [],
  ],
];
for (const [what, roles, events, missing, unused] of rows)
  test(`roles against a log: ${what}`, () =>
    assert.deepEqual(compareRoles(roles, events), { missing, unused }));
