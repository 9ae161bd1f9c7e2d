// What the daemon does by itself at intervals: returns empty blocks, sends bookmarks, follows the adoption window.
import { type Clock, type Duration, Milliseconds, type Rng, Seconds } from "../../base/clock.ts";
import { InputError, UnavailableError } from "../../base/errors.ts";
import { within } from "../../base/within.ts";
import { type Runner, startRunner } from "../../base/runner.ts";
import { collectEmptyBlocks } from "../../core/ipam/release.ts";
import { COOLDOWN } from "./routes/address-routes.ts";
import { collectLeaks } from "./ipam-gc.ts";
import { countsOf, findingsOf } from "./routes/ipam-routes.ts";
import type { OpenWatches } from "./access/open-watches.ts";
import type { Daemon } from "./daemon.ts";
import type { Term } from "./leader.ts";
import { tendAdoption } from "./tend-adoption.ts";
import { readoptOnOtherGround } from "./routes/adopt-endpoints.ts";
import { utilisationOf } from "./routes/usage-routes.ts";

const COLLECT_EVERY = Seconds(5);
const LEAKS_EVERY = Seconds(10);
/** A check looks at every record. */
const FINDINGS_EVERY = Seconds(30);
/** Groups with metrics of their own: however many racks there are, a scrape stays small. */
const GROUPS_SHOWN = 200;
/** A lead that was given up is taken within that time. */
const LOOK_EVERY = Milliseconds(500);
const CURRENCY_EVERY = Seconds(1);
/** With the second in which a changed token file is read, whoever lost his token hears for two more. */
const WATCHES_EVERY = Seconds(1);
/** So long a daemon that starts waits for the answer of one that serves. */
const ADOPTION_EVERY = Milliseconds(250);
/** Agents take the silence of two and a half of them for a dead connection. */
const BOOKMARK_EVERY = Milliseconds(500);
/** At most four writes a second to an agent for what concerns many. */
const FLUSH_EVERY = Milliseconds(250);
const BACKOFF = { first: Milliseconds(200), most: Seconds(2) };
/** A store that does not answer is not waited for: it fails what is under way when it is closed. */
const END_WITHIN = Seconds(2);
/** Blocks returned in one transaction: a delete and a compare each. */
const COLLECT_AT_ONCE = 40;

export interface Loops {
  /** Finishes what runs; the lead is given up then. */
  close(): Promise<void>;
}

export function startLoops(daemon: Daemon, watches: OpenWatches, timing: { clock: Clock; rng: Rng }): Loops {
  const { leader } = daemon;
  const start = (name: string, work: () => Promise<void>, every: Duration): Runner =>
    startLoop(daemon, timing, { name, work, every });
  // Of all replicas the leader alone does these.
  const elected = [
    start("collector", () => leader.lead((term) => collect(daemon, term)), COLLECT_EVERY),
    start(
      "leaks",
      () => leader.lead((term) => collectLeaks(daemon, (decide) => term.submit(decide))),
      LEAKS_EVERY,
    ),
    // Runs elsewhere too: who leads no longer takes its counts back.
    start("findings", () => countFindings(daemon), FINDINGS_EVERY),
  ];
  const look = async (): Promise<void> => {
    if (await leader.look()) for (const each of elected) each.poke();
  };
  const own = [
    start("leader", look, LOOK_EVERY),
    start("currency", () => daemon.currency.look(), CURRENCY_EVERY),
    start("bookmarks", async () => daemon.hub.bookmark(daemon.currency.isBehind), BOOKMARK_EVERY),
    start("flush", async () => daemon.hub.flush(), FLUSH_EVERY),
    start("policies", () => tellShares(daemon), FLUSH_EVERY),
    start("watches", () => watches.look(), WATCHES_EVERY),
    start("adoption", () => adopt(daemon), ADOPTION_EVERY),
  ];
  return {
    async close() {
      const ended = Promise.all([...elected, ...own].map((each) => each.close()));
      await within(timing.clock, END_WITHIN, ended);
      await leader.resign();
    },
  };
}

async function adopt(daemon: Daemon): Promise<void> {
  await tendAdoption(daemon);
  await readoptOnOtherGround(daemon);
}

/** Shares that are told before others have their turn. */
const SHARES_AT_ONCE = 5;

async function tellShares({ shares, hub, clock }: Daemon): Promise<void> {
  await shares.fill();
  while (hub.tellShares(SHARES_AT_ONCE)) await clock.sleep(Milliseconds(0));
}

type LoopOptions = {
  readonly name: string;
  readonly work: () => Promise<void>;
  readonly every: Duration;
};

function startLoop(
  daemon: Daemon,
  timing: { clock: Clock; rng: Rng },
  { name, work, every }: LoopOptions,
): Runner {
  const health = daemon.health.reporter(name, Seconds(60));
  const run = async (): Promise<void> => {
    await work();
    health.ok();
  };
  const onError = (error: unknown, attempt: number): void => {
    if (!(error instanceof UnavailableError || error instanceof InputError)) throw error;
    daemon.metrics.errors.inc({ loop: name });
    health.failed(error.message);
    if (attempt === 0) daemon.log.warn(`${name} failed`, { error: error.message });
  };
  return startRunner(run, { every, backoff: BACKOFF, onError }, timing);
}

/** For whoever watches the metrics: one daemon tells. */
async function countFindings(daemon: Daemon): Promise<void> {
  const { findings, groupAddresses } = daemon.metrics;
  const counts = daemon.leader.isLeading ? countsOf(await findingsOf(daemon)) : {};
  const { groups } = daemon.leader.isLeading ? utilisationOf(daemon) : { groups: [] };
  findings.reset();
  groupAddresses.reset();
  for (const [kind, count] of Object.entries(counts)) findings.set({ kind }, count);
  for (const { network, group, used, cooling, quarantined, free } of groups.slice(0, GROUPS_SHOWN))
    for (const [state, count] of Object.entries({ used, cooling, quarantined, free: Number(free) }))
      groupAddresses.set({ network, group, state }, count);
}

/** Empty blocks whose cooldown has passed go back to their groups. */
async function collect({ clock, log }: Daemon, term: Term): Promise<void> {
  for (let returned = COLLECT_AT_ONCE; returned === COLLECT_AT_ONCE;) {
    returned = await term.submit((state) => {
      const plan = collectEmptyBlocks(state, {
        now: clock.now(),
        cooldown: COOLDOWN,
        limit: COLLECT_AT_ONCE,
      });
      return { value: plan.writes.length, plan };
    });
    if (returned > 0) log.info("empty blocks returned", { blocks: returned });
  }
}
