// BIRD's configuration as statements, and their text. What is not one of our own words is an address, a number, or text in quotes.
import { BugError } from "../../base/errors.ts";
import { type Cidr, formatCidr } from "../net/cidr.ts";
import { formatIp, type Ip } from "../net/ip.ts";

/** A plain string is written as it is: never from a document. `text` gets quotes. */
export type Word = string | number | Ip | Cidr | { readonly text: string };
export type Statement = { readonly words: readonly Word[]; readonly body?: readonly Statement[] };

export const statement = (...words: readonly Word[]): Statement => ({ words });
export const block = (words: readonly Word[], ...body: readonly Statement[]): Statement => ({ words, body });

export const renderBird = (statements: readonly Statement[]): string =>
  statements.map((each) => `${render(each, "")}\n`).join("");

function render({ words, body }: Statement, indent: string): string {
  const head = indent + words.map(renderWord).join(" ");
  if (!body) return `${head};`;
  const lines = body.map((each) => `${render(each, `${indent}  `)}\n`).join("");
  // BIRD wants a semicolon after a block inside another, and allows none after a block at the top.
  return `${head} {\n${lines}${indent}}${indent === "" ? "" : ";"}`;
}

function renderWord(word: Word): string {
  if (typeof word !== "object") return String(word);
  if ("text" in word) return quoted(word.text);
  return "value" in word ? formatIp(word) : formatCidr(word);
}

/** BIRD knows no escapes in its strings: what would end one, or the line, has no place in it. */
function quoted(text: string): string {
  if (/["\p{Cc}]/u.test(text)) throw new BugError({ code: "BIRD_TEXT", length: text.length });
  return `"${text}"`;
}
