// A file that an option names.
import { readFileSync } from "node:fs";
import { InputError } from "../../base/errors.ts";

/** Throws InputError `FILE` that names the option. */
export function readBytes(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
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
