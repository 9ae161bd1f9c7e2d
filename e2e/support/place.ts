// Where a run keeps what it makes, and the names by which leftovers are found. One run at a time on a machine.
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");
/** On disk, as containers' layers lie here. Removed at the end. */
export const DIR = "/var/tmp/romana-e2e";
/** What a failed run leaves to read. */
export const LOGS = join(ROOT, "build/e2e-logs");
const PREFIX = "romana-e2e-";

export const namespaceOf = (node: string): string => `${PREFIX}${node}`;
export const isOurs = (namespace: string): boolean => namespace.startsWith(PREFIX);
export const fileOf = (...names: string[]): string => join(DIR, ...names);
