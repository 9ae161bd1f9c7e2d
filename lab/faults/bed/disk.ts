// A disk of a process's own that can be slow: an ext4 image, mounted through a loop device, whose writes hang while it is frozen.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bed } from "../../../test/support/bed.ts";

const SIZE = 2 ** 30;

export type Disk = {
  readonly path: string;
  /** All writes and fsyncs hang for `hang` ms and go through for `pass` ms, `times` times. Resolves when it is as before. */
  stutter(times: number, hang: number, pass: number): Promise<void>;
};

export function mountDisk(bed: Bed, name: string): Disk {
  const [image, path] = [join(bed.dir, `${name}.img`), join(bed.dir, name)];
  writeFileSync(image, "");
  truncateSync(image, SIZE);
  execFileSync("mkfs.ext4", ["-q", "-F", "-O", "^has_journal", image]);
  mkdirSync(path);
  execFileSync("mount", ["-o", "loop", image, path]);
  bed.onDispose(() => void execFileSync("umount", ["--lazy", path]));
  return {
    path,
    // In a shell of its own, which thaws even when this process is killed: a frozen disk holds whoever writes to it for good.
    async stutter(times, hang, pass) {
      const cycle = `fsfreeze -f "$1"; sleep ${hang / 1000}; fsfreeze -u "$1"; sleep ${pass / 1000}`;
      const script = `trap '' INT TERM HUP; for i in $(seq ${times}); do ${cycle}; done`;
      const shell = spawn("sh", ["-c", script, "stutter", path], { stdio: "ignore", detached: true });
      await once(shell, "exit");
    },
  };
}
