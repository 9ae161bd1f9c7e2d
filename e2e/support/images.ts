// The images that pods of the tests need, and their import into a node's containerd.
import { mkdirSync } from "node:fs";
import { busyboxLinks, makeImage } from "../../test/support/make-image.ts";
import { type ClusterNode, PAUSE } from "./node.ts";
import { fileOf } from "./place.ts";

export const BUSYBOX = "docker.io/library/busybox:1";
const busybox = { "bin/busybox": "/bin/busybox" };

/** Paths of their tars. */
export function makeTestImages(): string[] {
  mkdirSync(fileOf("images"), { recursive: true });
  return [
    makeImage(fileOf("images", "pause"), {
      name: PAUSE,
      programs: busybox,
      config: { Entrypoint: ["/bin/busybox", "sleep", "2147483647"] },
    }),
    makeImage(fileOf("images", "busybox"), { name: BUSYBOX, programs: busybox, links: busyboxLinks() }),
  ];
}

export async function importImages(node: ClusterNode, tars: readonly string[]): Promise<void> {
  for (const tar of tars)
    await node.exec(["ctr", "--namespace", "k8s.io", "images", "import", tar], { timeout: 300_000 });
}
