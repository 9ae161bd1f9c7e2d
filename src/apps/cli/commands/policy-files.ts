// Files of policies, read and checked as a whole before anything is sent: every fault is named with its file.
import { buffer } from "node:stream/consumers";
import { type Fault, InputError } from "../../../base/errors.ts";
import type { Policy } from "../../../core/model/policy.ts";
import { reportDuplicates } from "../../../core/model/read-fields.ts";
import { parsePolicies } from "../../../core/policy/parse-policies.ts";
import { parseDocuments } from "../../../io/document/parse-document.ts";
import { readNamed } from "../../../io/files/named-file.ts";

/** "-": stdin. */
export async function readPolicyFiles(files: readonly string[]): Promise<readonly Policy[]> {
  const faults: Fault[] = [];
  const policies: Policy[] = [];
  const ids: { value: string; field: string }[] = [];
  for (const file of files) {
    const documents = parseDocuments(await readBytes(file), file);
    for (const [i, document] of documents.entries()) {
      const place = documents.length > 1 ? `${file}, document ${i + 1}` : file;
      const parsed = parsePolicies(document);
      if (parsed.kind === "invalid") faults.push(...parsed.faults.map((fault) => inFile(fault, place)));
      else policies.push(...parsed.policies);
      if (parsed.kind === "valid")
        ids.push(...parsed.policies.map(({ id }) => ({ value: id, field: `${place}: id` })));
    }
  }
  reportDuplicates(ids, "an id that no other policy here has", (fault) => void faults.push(fault));
  if (faults.length > 0) throw new InputError(faults);
  return policies;
}

const inFile = (fault: Fault, place: string): Fault => ({ ...fault, field: `${place}: ${fault.field}` });

const readBytes = async (file: string): Promise<Buffer> =>
  file === "-" ? buffer(process.stdin) : readNamed({ option: "file", path: file });
