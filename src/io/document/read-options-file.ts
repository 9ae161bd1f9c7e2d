// The file that a program's `--config` names.
import { InputError } from "../../base/errors.ts";
import { readNamed } from "../files/named-file.ts";
import { parseDocument } from "./parse-document.ts";

/** Options by name. InputError `FILE`, `CONFIG`, and those of `parseDocument`. */
export function readOptionsFile(path: string): Readonly<Record<string, unknown>> {
  const document = parseDocument(readNamed({ option: "--config", path }), path);
  if (document !== null && typeof document === "object" && !Array.isArray(document))
    return document as Record<string, unknown>;
  throw new InputError({ code: "CONFIG", field: path, value: document, expected: "options by name" });
}
