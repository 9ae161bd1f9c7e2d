// What a machine lacks is told at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../base/errors.ts";
import { requireMachine, requireRoot } from "./preflight.ts";

const lacks = (error: unknown): string[] => {
  assert.ok(error instanceof UnavailableError && error.code === "LAB_LACKS");
  return (error.details["lacks"] as string[]).map((text) => text.split(" ")[0] ?? "");
};

test("without root and tools all of it is named", async () => {
  await assert.rejects(requireMachine({ uid: 1000, path: "/nowhere" }, true), (error) => {
    const found = lacks(error);
    assert.deepEqual(found.slice(0, 8), [
      ...["root", "ip", "ss", "nsenter", "ping", "traceroute", "iperf3", "openssl"],
    ]);
    return true;
  });
});

test("the message says what to do", async () => {
  await assert.rejects(requireMachine({ uid: 1000, path: "" }, false), {
    message: /lacks root \(.*sudo\), ip \(Debian package iproute2\), .*; romana topology plan FILE shows/,
  });
});

test("root alone is enough to look at labs", () => {
  requireRoot({ uid: 0, path: "" });
  assert.throws(() => requireRoot({ uid: 1000, path: "" }), UnavailableError);
});
