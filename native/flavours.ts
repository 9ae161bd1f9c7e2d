// The builds of the native helper that its tests run: as shipped, and under sanitizers where the compiler has them.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export type Flavour = { readonly name: string; readonly path: string };

const native = import.meta.dirname;
const NO_SANITIZERS = 3;

/** Of the shim's wait in the sanitized build; the shipped one waits 60 s. */
export const SANITIZED = "sanitized";

function build(...options: string[]): number | null {
  const { status, stderr } = spawnSync("bash", [join(native, "build.sh"), ...options], { encoding: "utf8" });
  if (status !== 0 && status !== NO_SANITIZERS) throw new Error(`native/build.sh: ${stderr}`);
  return status;
}

export function buildFlavours(): Flavour[] {
  const built = join(native, "../build/native");
  build();
  const flavours = [{ name: "shipped", path: join(built, "romana-native") }];
  if (build("--sanitize") === NO_SANITIZERS)
    process.stderr.write("native: this compiler has no sanitizers\n");
  else flavours.push({ name: SANITIZED, path: join(built, "asan/romana-native") });
  return flavours;
}
