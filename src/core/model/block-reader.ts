// Reads blocks as they change. A block is written whole at every allocation, and nearly always its text is the one before with another sequence number
// and a slot more: then only the slot is read. What comes out is what `decodeBlock` makes of the text, always.
import { decodeBlock, readSlots } from "./codec.ts";
import type { Block } from "./records.ts";
import { withSlots } from "./slots.ts";

/** As `decodeBlock`. */
export type ReadBlock = (key: string, text: string) => Block;

/** Texts remembered: those of the blocks that changed last. */
const CAPACITY = 2000;

export function createBlockReader(capacity = CAPACITY): ReadBlock {
  const seen = new Map<string, Seen>();
  return (key, text) => {
    const known = seen.get(key);
    const cut = cutText(text);
    const block = (known && cut && continued(key, known, cut)) ?? decodeBlock(key, text);
    seen.delete(key);
    if (cut) seen.set(key, { ...cut, block });
    for (const oldest of seen.size > capacity ? seen.keys().take(1) : []) seen.delete(oldest);
    return block;
  };
}

/** A text as `encodeBlock` makes it, in parts: all before the sequence number, that, and what stands between the braces of the slots. */
type Cut = { readonly head: string; readonly sequence: number; readonly slots: string };
type Seen = Cut & { readonly block: Block };

const AT = ',"sequence":';
const NUMBER = /(0|[1-9]\d*),"slots":\{/y;

/** `undefined`: another would write it so. */
function cutText(text: string): Cut | undefined {
  const at = text.indexOf(AT);
  NUMBER.lastIndex = at + AT.length;
  const found = at < 0 ? undefined : NUMBER.exec(text);
  const sequence = Number(found?.[1]);
  if (!Number.isSafeInteger(sequence) || !text.endsWith("}}")) return undefined;
  const slots = text.slice(NUMBER.lastIndex, -2);
  // No other object may begin in there, so that what ends last is the slots.
  if (slots.includes("{")) return undefined;
  return { head: text.slice(0, at), sequence, slots };
}

/** `undefined`: it is not the text before with more slots behind, or what is behind is no list of slots. */
function continued(key: string, { head, slots, block }: Seen, next: Cut): Block | undefined {
  // `startsWith` goes character by character.
  if (next.head !== head || slots === "" || next.slots.slice(0, slots.length) !== slots) return undefined;
  const more = next.slots.slice(slots.length);
  if (more === "") return { ...block, sequence: next.sequence };
  const value = more.startsWith(",") ? parsed(`{${more.slice(1)}}`) : undefined;
  if (value === undefined) return undefined;
  const added = readSlots({ key, field: "slots", value }, block.cidr);
  return { ...block, sequence: next.sequence, slots: withSlots(block.slots, added) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // read as a whole it is garbage too, and said to be
  }
}
