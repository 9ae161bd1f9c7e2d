// The README says what the code does: routes, options and metrics are the same on both sides, and its examples work.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startDaemon } from "../../../test/support/daemon.ts";
import { describeOptions } from "../../base/options.ts";
import { daemonOptions, ENV_PREFIX } from "./config.ts";
import { createMetrics } from "./metrics.ts";

const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
/** The text below a heading, up to the next. */
const section = (name: string): string =>
  readme.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? "";
const found = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))].sort();

test("options", () => {
  const flags = found(describeOptions(daemonOptions, ENV_PREFIX), /^ +(--[a-z-]+)/gm);
  const rows = section("Options")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  assert.deepEqual(found(rows.join("\n"), /`(--[a-z-]+)/g), flags);
});

test("metrics", async () => {
  const names = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
  assert.deepEqual(
    found(section("Metrics"), /`(romana_[a-z_]+)`/g),
    names.filter((name) => name.startsWith("romana_")).sort(),
  );
});

test("routes, and the methods of each", async (t) => {
  const running = await startDaemon();
  t.after(() => running.close());
  const { paths } = (await running.call("GET /openapi.json")).body as { paths: Record<string, object> };
  const routes = Object.entries(paths).map(([path, methods]) => [path, Object.keys(methods).sort().join()]);
  const rows = [...section("Reads").matchAll(/^\| `(\/[^`]*)` \| ([A-Z, ]+) \|/gm)].map(
    ([, path = "", methods = ""]) => [path, methods.toLowerCase().split(", ").sort().join()],
  );
  assert.deepEqual(
    rows,
    routes.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
  );
});

/** `curl [-X METHOD] [-H HEADER] [-d BODY] URL`, as fetch takes it. */
function requestOf(line: string): {
  path: string;
  method: string;
  headers: Record<string, string>;
  body?: string;
} {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
  const after = (flag: string): string | undefined => {
    const at = words.indexOf(flag);
    return at < 0 ? undefined : words[at + 1];
  };
  const [name, value] = after("-H")?.split(": ") ?? [];
  const body = after("-d");
  const path = words.at(-1)?.replace("http://127.0.0.1:9600", "") ?? "";
  const method = after("-X") ?? (body === undefined ? "GET" : "POST");
  const headers = name !== undefined && value !== undefined ? { [name]: value } : {};
  return { path, method, headers, ...(body !== undefined && { body }) };
}

test("the examples, in their order", { timeout: 20_000 }, async (t) => {
  const [, block = ""] = section("Examples").split("```");
  const [start = "", ...requests] = block.trim().split("\n");
  const [romana, daemon, ...argv] = start.split(" ");
  assert.deepEqual([romana, daemon], ["romana", "daemon"]);
  const running = await startDaemon({ argv });
  t.after(() => running.close());
  const root = await running.app.listen({ host: "127.0.0.1", port: 0 });
  assert.ok(requests.length > 3);
  for (const line of requests) {
    const { path, ...request } = requestOf(line);
    const reply = await fetch(root + path, request);
    assert.equal(reply.status, 200, `${line}: ${reply.status}`);
    if (path === "/watch") await reply.body?.cancel();
    else await reply.text();
  }
});
