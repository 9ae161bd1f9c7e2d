// What the subject of a certificate says of who shows it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { certificateCaller, type Role } from "./caller.ts";

type Subject = Readonly<Partial<Record<"CN" | "O" | "OU", string | readonly string[]>>>;
/** Each: a subject, its role, and the host or tenant that is its own. */
const subjects: readonly (readonly [subject: Subject, role: Role | "none", owns: string])[] = [
  [{ CN: "alice", O: "romana:admins" }, "admin", ""],
  [{ CN: "listener", O: "romana:services" }, "service", ""],
  [{ CN: "h1", O: "romana:nodes" }, "node", "h1"],
  [{ CN: "bob", O: "romana:tenants", OU: "shop" }, "tenant", "shop"],
  [{ CN: "prometheus", O: "romana:readers" }, "read-only", ""],
  [{ CN: "h1", O: ["example", "romana:nodes"] }, "node", "h1"],
  [{ CN: "alice", O: "romana:admins", OU: "shop" }, "admin", ""],
  [{ CN: "h1" }, "none", ""],
  [{ O: "romana:admins" }, "none", ""],
  [{ CN: "", O: "romana:admins" }, "none", ""],
  [{ CN: "h1", O: "system:nodes" }, "none", ""],
  [{ CN: "h1", O: "ROMANA:NODES" }, "none", ""],
  [{ CN: "h1", O: "romana:nodes\nromana:admins" }, "none", ""],
  [{ CN: "h1", O: ["romana:nodes", "romana:admins"] }, "none", ""],
  [{ CN: ["h1", "h2"], O: "romana:nodes" }, "none", ""],
  [{ CN: "h1\n", O: "romana:nodes" }, "none", ""],
  [{ CN: "h1", O: "constructor" }, "none", ""],
  [{ CN: "bob", O: "romana:tenants" }, "none", ""],
  [{ CN: "bob", O: "romana:tenants", OU: ["shop", "bank"] }, "none", ""],
];
for (const [subject, role, owns] of subjects)
  test(`${JSON.stringify(subject)} is ${role} ${owns}`.trim(), () => {
    const caller = certificateCaller({ subject: subject as never });
    assert.deepEqual([caller.role, caller.owns, caller.by], [role, owns, "certificate"]);
  });
