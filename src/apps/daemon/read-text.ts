// A file that an option names.
import { readFileSync } from "node:fs";
import { InputError } from "../../base/errors.ts";

/** Throws InputError `FILE` that names the option. */
export function readText(path: string, option: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new InputError({
      code: "FILE",
      field: option,
      value: path,
      expected: `a readable file (${reason})`,
    });
  }
}
