import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Scenario } from "../scenarios.ts";
import { helmBinary } from "../support/binaries.ts";
import { DAEMON_SERVICE } from "../support/install.ts";
import { ROOT } from "../support/place.ts";
import { must } from "../support/run.ts";

const FOLDER = join(ROOT, "deploy/manifests");

export const manifests: Scenario = {
  name: "the manifests are what the chart renders, and the API server takes them, twice",
  async run({ plane }) {
    await must(["env", `HELM=${await helmBinary()}`, "bash", join(FOLDER, "render.sh"), "--check"]);
    for (const file of readdirSync(FOLDER).filter(
      (name) => name.endsWith(".yaml") && !name.endsWith(".values.yaml"),
    ))
      for (const _ of ["once", "again"]) await plane.kubectl(APPLY, { stdin: asHere(join(FOLDER, file)) });
  },
};

const APPLY = ["apply", "--dry-run=server", "-f", "-"];
/** That for AWS has an address of another cluster's service range. */
const asHere = (path: string): string => readFileSync(path, "utf8").replaceAll("100.64.0.96", DAEMON_SERVICE);
