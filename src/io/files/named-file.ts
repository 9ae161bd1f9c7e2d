// A file that an option names: who cannot read it says which option.
import { readFileSync } from "node:fs";
import { InputError } from "../../base/errors.ts";

/** The option that names a file, as `--etcd-ca`, and its path; "": none. */
export type NamedFile = { readonly option: string; readonly path: string };

/** InputError `FILE`. */
export function readNamed({ option, path }: NamedFile): Buffer {
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
