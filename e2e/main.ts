// `npm run e2e [-- --only NAME] [--keep] [--again]`: one cluster, every scenario a test of node's runner. `--keep` leaves the cluster,
// `--again` takes the one that was kept. `npm run e2e:full`: all of upstream's tests that fit, in the place of the scenarios.
import { after, before, test } from "node:test";
import { parseArgs } from "node:util";
import { claim, type Cluster, collectLogs, keptCluster, remove, startCluster } from "./support/cluster.ts";
import { installRomana, prepareRomana, startRouters } from "./support/install.ts";
import { DIR, LOGS } from "./support/place.ts";
import { fullScenarios, scenarios } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    keep: { type: "boolean", default: false },
    again: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
  },
});
const chosen = (values.full ? fullScenarios : scenarios).filter(
  ({ name }) => values.only === undefined || name.includes(values.only),
);
if (chosen.length === 0) throw new Error(`no scenario's name has "${values.only ?? ""}" in it`);

const say = (text: string): void => void process.stderr.write(`e2e: ${text}\n`);
let cluster: Cluster | undefined;
let failed = false;

before(
  async () => {
    if (values.again) {
      cluster = await keptCluster();
      return;
    }
    failed = true; // unless it comes to the end
    await claim();
    cluster = await startCluster(say);
    await prepareRomana(cluster, say);
    say("Romana");
    await installRomana(cluster);
    startRouters(cluster);
    failed = false;
  },
  { timeout: 50 * 60_000 },
);

for (const { name, run, timeout = 180_000 } of chosen)
  test(name, { timeout }, async () => {
    if (!cluster) throw new Error("there is no cluster");
    try {
      await run(cluster);
    } catch (error) {
      failed = true;
      throw error;
    }
  });

after(async () => {
  try {
    if (failed || values.keep) await collectLogs();
    if (failed) say(`logs are in ${LOGS}`);
  } finally {
    if (values.keep) say(`kept: the next run removes it; files are in ${DIR}`);
    else if (!values.again) await remove();
  }
});

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void remove().finally(() => process.exit(130)));
