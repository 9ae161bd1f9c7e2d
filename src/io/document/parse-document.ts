// The text of a file a person wrote, as plain JSON values: JSON, JSON with // or # comments, or YAML. Decides nothing about its meaning.
import { type ParseError, parse as parseJsonc, printParseErrorCode, visit } from "jsonc-parser";
import { type Document, parseAllDocuments } from "yaml";
import { InputError } from "../../base/errors.ts";

const MAX_BYTES = 4 << 20;
/** Far deeper than any topology; parsers recurse, so it is checked on the text first. */
const MAX_DEPTH = 200;

/** `name` is the file's, for messages. InputError codes `DOCUMENT_SIZE`, `DOCUMENT_UTF8`, `DOCUMENT_DEPTH`, `DOCUMENT_SYNTAX`. */
export function parseDocument(bytes: Uint8Array, name: string): unknown {
  const [document, ...more] = parseDocuments(bytes, name);
  if (more.length > 0) throw wrong("DOCUMENT_SYNTAX", name, "several documents", "one document");
  return document ?? null;
}

/** As `parseDocument`, of a file that may hold several: in YAML, with `---` between them. Those that are empty are none. */
export function parseDocuments(bytes: Uint8Array, name: string): unknown[] {
  if (bytes.length > MAX_BYTES)
    throw wrong("DOCUMENT_SIZE", name, `${bytes.length} bytes`, `at most ${MAX_BYTES} bytes`);
  const text = decode(bytes, name);
  checkDepth(text, name);
  return /^\s*(?:(?:\/\/|#)[^\n]*\n\s*|\/\*[\s\S]*?\*\/\s*)*[{[]/.test(text)
    ? [readJsonc(text, name)]
    : readYaml(text, name);
}

function decode(bytes: Uint8Array, name: string): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw wrong("DOCUMENT_UTF8", name, "invalid bytes", "UTF-8 text");
  }
  const zero = text.indexOf("\0");
  if (zero >= 0) throw wrong("DOCUMENT_UTF8", name, `a NUL character at offset ${zero}`, "text without NUL");
  return text;
}

function checkDepth(text: string, name: string): void {
  let depth = 0;
  for (const char of text) {
    if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    if (depth > MAX_DEPTH)
      throw wrong(
        "DOCUMENT_DEPTH",
        name,
        `more than ${MAX_DEPTH} levels`,
        `at most ${MAX_DEPTH} levels of nesting`,
      );
  }
  const indent = /^(?: |- ){400}/m.exec(text);
  if (indent)
    throw wrong(
      "DOCUMENT_DEPTH",
      name,
      `a line indented by ${indent[0].length}`,
      `at most ${MAX_DEPTH} levels of nesting`,
    );
}

/** `#` comments of the original's files become `//` ones, but not inside strings and other comments. */
function readJsonc(text: string, name: string): unknown {
  const slashes = text.replace(/"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|#[^\n]*/g, (match) =>
    match.startsWith("#") ? `//${match.slice(1)}` : match,
  );
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(slashes, errors, { allowTrailingComma: true });
  const [first] = errors;
  const found = first
    ? `${printParseErrorCode(first.error)} at ${position(slashes, first.offset)}`
    : lostKey(slashes);
  if (found) throw wrong("DOCUMENT_SYNTAX", name, found, "JSON (comments allowed) or YAML");
  return value;
}

/** A key that the parser would drop without a word: given twice in one object, or the one that JavaScript takes for itself. */
function lostKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  let found: string | undefined;
  visit(text, {
    onObjectBegin: () => void objects.push(new Set()),
    onObjectEnd: () => void objects.pop(),
    onObjectProperty: (key, offset) => {
      const keys = objects.at(-1);
      if (keys?.has(key)) found ??= `the key ${key} a second time at ${position(text, offset)}`;
      if (key === "__proto__") found ??= `the key __proto__ at ${position(text, offset)}`;
      keys?.add(key);
    },
  });
  return found;
}

function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** No aliases: a few lines of them make gigabytes. */
function readYaml(text: string, name: string): unknown[] {
  try {
    const documents = parseAllDocuments(text, { prettyErrors: true });
    if (!Array.isArray(documents)) return [];
    return documents.map(valueOf).filter((value) => value !== null);
  } catch (cause) {
    throw wrong(
      "DOCUMENT_SYNTAX",
      name,
      cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause),
      "JSON (comments allowed) or YAML without aliases",
    );
  }
}

function valueOf(document: Document.Parsed): unknown {
  for (const error of document.errors) throw error;
  return document.toJS({ maxAliasCount: 0 });
}

function wrong(code: string, field: string, value: string, expected: string): InputError {
  return new InputError({ code, field, value, expected }, code === "DOCUMENT_SIZE" ? 413 : 400);
}
