// A token file with one token for each role, and who they are.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Role as the file says it, and name. */
const HOLDERS = {
  admin: ["admin", "alice"],
  service: ["service", "listener"],
  node: ["node", "h1"],
  tenant: ["tenant:t1", "bob"],
  "read-only": ["read-only", "prometheus"],
} as const;
type Holder = keyof typeof HOLDERS;

/** 40 characters. */
export const tokenOf = (role: Holder): string => `secret-${role}-`.padEnd(40, "0123456789");

/** `Authorization` of each. */
export const bearerOf = (role: Holder): { authorization: string } => ({
  authorization: `Bearer ${tokenOf(role)}`,
});

/** Path of a file for its owner only, gone after the test. */
export function tokenFile(t: TestContext, text = tokenLines()): string {
  const dir = mkdtempSync(join(tmpdir(), "romana-tokens-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, "tokens");
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const tokenLines = (): string =>
  Object.entries(HOLDERS)
    .map(([role, [word, name]]) => `${tokenOf(role as Holder)} ${word} ${name}\n`)
    .join("");
