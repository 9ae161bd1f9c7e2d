// The API server's audit log of what Romana's accounts asked for; of everybody else nothing is written.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { AuditEvent } from "../../test/support/role-use.ts";
import { fileOf } from "./place.ts";

const POLICY = fileOf("audit-policy.json");
const LOG = fileOf("log", "audit.log");
const ACCOUNTS = ["agent", "daemon", "listener"].map(
  (part) => `system:serviceaccount:kube-system:romana-${part}`,
);

/** Flags of the API server, whose files they make. */
export function auditFlags(): string[] {
  const rules = [{ level: "Metadata", users: ACCOUNTS, omitStages: ["RequestReceived"] }, { level: "None" }];
  writeFileSync(POLICY, JSON.stringify({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules }));
  return [`--audit-policy-file=${POLICY}`, `--audit-log-path=${LOG}`];
}

/** Since the cluster was started. */
export function readAudit(): AuditEvent[] {
  const text = existsSync(LOG) ? readFileSync(LOG, "utf8") : "";
  // The last line may be in the writing.
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as AuditEvent);
}
