import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Scenario } from "../scenarios.ts";
import { helmBinary } from "../support/binaries.ts";
import { ROOT } from "../support/place.ts";
import { must } from "../support/run.ts";

const FOLDER = join(ROOT, "deploy/manifests");

export const manifests: Scenario = {
  name: "the manifests are what the chart renders, and the API server takes them, twice",
  async run({ plane }) {
    await must(["env", `HELM=${await helmBinary()}`, "bash", join(FOLDER, "render.sh"), "--check"]);
    for (const file of readdirSync(FOLDER).filter((name) => /romana.*\.yaml$/.test(name)))
      for (const _ of ["once", "again"])
        await plane.kubectl(["apply", "--dry-run=server", "-f", join(FOLDER, file)]);
  },
};
