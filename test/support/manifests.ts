// The manifests of deploy/, as objects.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { isRecord } from "../../src/core/model/read-fields.ts";

const FOLDER = join(import.meta.dirname, "../../deploy/manifests");

/** By file. */
export const manifests: ReadonlyMap<string, readonly Record<string, unknown>[]> = new Map(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith(".yaml") && !name.endsWith(".values.yaml"))
    .map((file) => [file, objectsOf(readFileSync(join(FOLDER, file), "utf8"))]),
);

function objectsOf(text: string): Record<string, unknown>[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter(isRecord);
}
