// What we write is what the real nft reads, in a namespace of its own.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, test } from "node:test";
import { Bed } from "../../../test/support/bed.ts";
import { desiredRuleset } from "./node-ruleset.ts";
import { smallNode } from "./testdata/policy-world.ts";
import { renderRuleset } from "../nft/render.ts";

const bed = new Bed("source");
after(() => bed.dispose());

const nft = (netns: string, args: readonly string[], input = ""): string =>
  execFileSync("nsenter", [`--net=${netns}`, "nft", ...args], { input, encoding: "utf8" });
/** nft breaks lists of elements and orders them as its sets do. */
const wordsOf = (text: string): string[] => text.replaceAll(",", " ").split(/\s+/).sort();

test("nft loads the table of a small node, and lists what was written", () => {
  const netns = bed.netns("load");
  const { policy, node } = smallNode();
  const text = renderRuleset(desiredRuleset(policy, node));
  nft(netns, ["-f", "-"], text);
  const listed = nft(netns, ["-nn", "list", "table", "inet", "romana"]);
  const expected = text
    .replaceAll("counter drop", "counter packets 0 bytes 0 drop")
    .replaceAll("established,related", "0x2,0x4")
    .replaceAll("type local", "type 2");
  assert.deepEqual(wordsOf(listed), wordsOf(expected));
});
