// No text that comes from outside can end its quotes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BugError } from "../../base/errors.ts";
import { parseCidr } from "../net/cidr.ts";
import { parseIp } from "../net/ip.ts";
import { block, renderBird, statement } from "./render-bird.ts";

test("statements, blocks and blocks inside them are written as BIRD reads them", () => {
  const inner = block(["ipv4"], statement("import none"));
  const text = renderBird([
    statement("router id", parseIp("192.0.2.1")),
    block(["protocol static x"], statement("route", parseCidr("10.0.0.0/8"), "unreachable"), inner),
  ]);
  const lines = [
    "protocol static x {",
    "  route 10.0.0.0/8 unreachable;",
    "  ipv4 {",
    "    import none;",
    "  };",
    "}",
  ];
  assert.equal(text, `router id 192.0.2.1;\n${lines.join("\n")}\n`);
});

test("text that BIRD cannot quote is never written", () => {
  for (const text of ['a"b', "a\nb", "a\u0000b", "\u0085"])
    assert.throws(() => renderBird([statement("password", { text })]), BugError);
  assert.equal(renderBird([statement("password", { text: "a'; }\\" })]), `password "a'; }\\";\n`);
});
