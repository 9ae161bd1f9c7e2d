// Who leads among several daemons: the same cases on every store. Each leader has a clock of its own, which stands still unless a case
// lets it go on: that is a process which is paused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Leader, type Term } from "../../src/apps/daemon/leader.ts";
import { UnavailableError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { leaderKey } from "../../src/core/model/keys.ts";
import type { Store, TxnResult } from "../../src/io/store/store.ts";
import { eventually } from "../support/eventually.ts";
import { createFakeClock, type FakeClock } from "../support/fake-clock.ts";
import { storeWith } from "../support/store-with.ts";
import type { OpenSubject } from "./conformance.ts";
import { commit, type Subject } from "./subject.ts";

type Candidate = { readonly leader: Leader; readonly clock: FakeClock; readonly term: () => Promise<Term> };
type LeaderSubject = Pick<Subject, "store" | "pass"> & {
  readonly candidate: (name: string, store?: Store) => Candidate;
};
type LeaderCase = { readonly name: string; readonly run: (subject: LeaderSubject) => Promise<void> };

/** Longer than the lease of a leader. */
const LONG = 6;

/** Until `candidate` leads; what it leads by. */
const elected = ({ leader, term }: Candidate): Promise<Term> =>
  eventually(
    async () => {
      await leader.look();
      return term();
    },
    { within: 10_000 },
  );

const write = (store: Store, term: Term, value: string): Promise<TxnResult> =>
  store.txn(term.fence(), [{ kind: "put", key: "/written", value }]);

const isNoLeader = (error: unknown): boolean =>
  error instanceof UnavailableError && error.code === "NOT_LEADER";

const cases: readonly LeaderCase[] = [
  {
    name: "of many who look at once one leads, and the others know its name",
    async run({ candidate }) {
      const all = ["a", "b", "c", "d", "e"].map((name) => candidate(name));
      await Promise.all(all.map(({ leader }) => leader.look()));
      await Promise.all(all.map(({ leader }) => leader.look()));
      const [first, ...none] = all.filter(({ leader }) => leader.isLeading);
      assert.ok(first && none.length === 0);
      const shown = new Set(all.map(({ leader }) => leader.shown.replace("this daemon, ", "")));
      assert.equal(shown.size, 1);
    },
  },
  {
    name: "who resigns is followed by the next who looks, whose term has a greater revision",
    async run({ candidate }) {
      const [a, b] = [candidate("a"), candidate("b")];
      const first = await elected(a);
      await b.leader.look();
      assert.deepEqual([b.leader.isLeading, b.leader.shown], [false, "a"]);
      await a.leader.resign();
      assert.throws(() => first.fence(), isNoLeader);
      assert.equal(await b.leader.look(), true);
      assert.ok((await b.term()).revision > first.revision);
    },
  },
  {
    name: "who renews leads on",
    async run({ candidate, pass }) {
      const [a, b] = [candidate("a"), candidate("b")];
      const { revision } = await elected(a);
      for (let i = 0; i < LONG; i++) {
        await Promise.all([pass(1), a.clock.advance(1000)]);
        await a.leader.look();
        await b.leader.look();
      }
      assert.deepEqual([(await a.term()).revision, b.leader.isLeading], [revision, false]);
    },
  },
  {
    name: "a leader that is paused past its time, and believes that it leads, writes nothing",
    async run({ store, candidate, pass }) {
      const [a, b] = [candidate("a"), candidate("b")];
      const old = await elected(a);
      assert.equal((await write(store, old, "by a")).kind, "committed");
      await pass(LONG);
      const present = await elected(b);
      assert.equal((await write(store, present, "by b")).kind, "committed");
      // Its clock stood still: it knows of nothing.
      assert.equal(a.leader.isLeading, true);
      assert.equal((await write(store, old, "by a, late")).kind, "conflict");
      assert.equal((await store.get("/written")).entry?.value, "by b");
      await a.leader.look();
      assert.deepEqual([a.leader.isLeading, a.leader.shown], [false, "b"]);
    },
  },
  {
    name: "a leader whose time is over by its own clock has no fence, before anybody else leads",
    async run({ candidate }) {
      const a = candidate("a");
      const term = await elected(a);
      await a.clock.advance(1000 * LONG);
      assert.equal(a.leader.isLeading, false);
      assert.throws(() => term.fence(), isNoLeader);
    },
  },
  {
    name: "who leads again does so in another term, and the work of the one before writes nothing",
    async run({ store, candidate }) {
      const a = candidate("a");
      const old = await elected(a);
      await commit(store, { kind: "delete", key: leaderKey });
      const present = await elected(a);
      assert.ok(present.revision > old.revision);
      assert.throws(() => old.fence(), isNoLeader);
      assert.equal((await write(store, present, "again")).kind, "committed");
    },
  },
  {
    name: "a candidacy whose answer was lost is found out by the next look",
    async run({ store, candidate }) {
      const txn: Store["txn"] = async (...request) => {
        await store.txn(...request);
        throw new UnavailableError({ code: "STORE_TIMEOUT" });
      };
      const a = candidate("a", storeWith(store, { txn }));
      await assert.rejects(a.leader.look(), { code: "STORE_TIMEOUT" });
      assert.equal(a.leader.isLeading, false);
      assert.equal(await a.leader.look(), true);
      assert.equal((await a.term()).revision, (await store.get(leaderKey)).entry?.revision);
    },
  },
  {
    name: "garbage under the leader's key is a leader of unknown name",
    async run({ store, candidate }) {
      await commit(store, { kind: "put", key: leaderKey, value: "{" });
      const a = candidate("a");
      await a.leader.look();
      assert.deepEqual([a.leader.isLeading, a.leader.shown], [false, "unknown"]);
      await commit(store, { kind: "delete", key: leaderKey });
    },
  },
];

export function testLeader(driver: string, open: OpenSubject): void {
  for (const { name, run } of cases)
    test(`${driver}: ${name}`, { timeout: 60_000 }, async (t) => {
      const { store, pass } = await open(t);
      const candidates: Candidate[] = [];
      try {
        const candidate = (holder: string, on = store): Candidate => {
          candidates.push(createCandidate(holder, on));
          return candidates.at(-1) as Candidate;
        };
        await run({ store, pass, candidate });
      } finally {
        for (const { leader } of candidates) await leader.resign();
        await store.close();
      }
    });
}

function createCandidate(holder: string, store: Store): Candidate {
  const clock = createFakeClock();
  const writer = { submit: () => Promise.reject(new Error("no writer here")) };
  const leader = new Leader({ store, writer, clock, log: silentLog, holder });
  const term = async (): Promise<Term> => {
    const { promise, resolve, reject } = Promise.withResolvers<Term>();
    await leader.lead(async (present) => resolve(present));
    reject(new Error(`${holder} does not lead`));
    return promise;
  };
  return { leader, clock, term };
}
