// Container images made here, as no registry is asked: one layer out of a folder, in the form that `docker save` writes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export type ImageSpec = {
  readonly name: string;
  /** Path in the image to the executable that is copied there. */
  readonly programs: Readonly<Record<string, string>>;
  /** Path in the image to what the link says. */
  readonly links?: Readonly<Record<string, string>>;
  /** Of the image's configuration, beside `Env`. */
  readonly config?: { readonly Entrypoint?: readonly string[]; readonly Cmd?: readonly string[] };
};

/** Links by which busybox does all it can. */
export const busyboxLinks = (): Record<string, string> =>
  Object.fromEntries(
    execFileSync("busybox", ["--list"], { encoding: "utf8" })
      .split("\n")
      .filter((applet) => applet !== "" && applet !== "busybox")
      .map((applet) => [`bin/${applet}`, "busybox"]),
  );

/** Path of the tar, in `dir`, which it makes. */
export function makeImage(dir: string, { name, programs, links = {}, config = {} }: ImageSpec): string {
  const root = join(dir, "root");
  for (const path of [...Object.keys(programs), ...Object.keys(links), "tmp/."])
    mkdirSync(join(root, dirname(path)), { recursive: true });
  for (const [path, source] of Object.entries(programs)) {
    copyFileSync(source, join(root, path));
    chmodSync(join(root, path), 0o755);
  }
  for (const [path, target] of Object.entries(links)) symlinkSync(target, join(root, path));
  const layer = join(dir, "layer.tar");
  execFileSync("tar", ["-C", root, "-cf", layer, "."]);
  const digest = createHash("sha256").update(readFileSync(layer)).digest("hex");
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const described = {
    ...{ architecture, os: "linux", config: { Env: ["PATH=/bin"], ...config } },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
  };
  writeFileSync(join(dir, "config.json"), JSON.stringify(described));
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }];
  writeFileSync(join(dir, "manifest.json"), JSON.stringify(manifest));
  const image = join(dir, "image.tar");
  execFileSync("tar", ["-C", dir, "-cf", image, "manifest.json", "config.json", "layer.tar"]);
  return image;
}
