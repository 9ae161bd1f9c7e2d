// The page in docs/reference is what the table says now.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { accessPage } from "./access-page.ts";

test("docs/reference/access.md is made of the table as it is: npm run docs:access", () => {
  const page = join(import.meta.dirname, "../../../../docs/reference/access.md");
  assert.equal(readFileSync(page, "utf8"), accessPage());
});
