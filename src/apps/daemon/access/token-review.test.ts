// Tokens of ServiceAccounts: what the API server's answer makes of who shows one, and how long that is believed.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { bearerOf, tokenFile } from "../../../../test/support/tokens.ts";
import { createFakeClock } from "../../../../test/support/fake-clock.ts";
import { startDaemon } from "../../../../test/support/daemon.ts";
import { UnavailableError } from "../../../base/errors.ts";
import { silentLog } from "../../../base/log.ts";
import type { ServiceAccount } from "../config.ts";
import type { Caller } from "./caller.ts";
import { createTokenReviews, type TokenReviews } from "./token-review.ts";

const NOW = 1_800_000_000;
const accounts: readonly ServiceAccount[] = [
  { namespace: "romana", name: "agent", role: "node" },
  { namespace: "romana", name: "listener", role: "service" },
];
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (claims: unknown, signature = "s"): string =>
  `${base64({ alg: "RS256" })}.${base64(claims)}.${signature}`;
const token = jwt({ exp: NOW + 3600 });

const NODE = "authentication.kubernetes.io/node-name";
const agent = (changes: object = {}, extra: unknown = { [NODE]: ["n1"] }): object => ({
  authenticated: true,
  user: { username: "system:serviceaccount:romana:agent", extra },
  audiences: ["romana"],
  ...changes,
});

type Bed = {
  readonly reviews: TokenReviews;
  readonly asked: string[];
  readonly advance: (ms: number) => Promise<void>;
  readonly jump: (ms: number) => void;
  /** What is answered from now on. */
  answer: (token: string) => Promise<unknown>;
};

function setUp(status: unknown = agent()): Bed {
  const clock = createFakeClock(NOW * 1000);
  const asked: string[] = [];
  const bed: { answer: Bed["answer"] } = { answer: () => Promise.resolve(status) };
  const ask = (shown: string): Promise<unknown> => {
    asked.push(shown);
    return bed.answer(shown);
  };
  const reviews = createTokenReviews(ask, { audience: "romana", accounts }, { clock, log: silentLog });
  const advance = (ms: number): Promise<void> => clock.advance(ms);
  return Object.assign(bed, { reviews, asked, advance, jump: (ms: number) => clock.jump(ms) });
}

const user = (username: unknown): object => agent({ user: { username, extra: { [NODE]: ["n1"] } } });

/** The answer, and the role and own of who shows the token; `undefined`: nobody. */
const answers: readonly (readonly [string, unknown, string | undefined])[] = [
  ["an agent is the node of its pod", agent(), "node n1"],
  ["an agent of a server that tells no node is nobody's", agent({}, {}), "none "],
  ["an agent of two nodes is nobody's", agent({}, { [NODE]: ["n1", "n2"] }), "none "],
  ["an agent of a node without a name is nobody's", agent({}, { [NODE]: [""] }), "none "],
  ["a service", user("system:serviceaccount:romana:listener"), "service "],
  ["an account that nobody listed", user("system:serviceaccount:default:default"), "none "],
  ["an account of the name in another namespace", user("system:serviceaccount:other:agent"), "none "],
  ["an account of a longer name", user("system:serviceaccount:romana:agent:x"), "none "],
  ["a person", user("kubernetes-admin"), undefined],
  ["no name", user(7), undefined],
  ["an altered signature", { authenticated: false, error: "invalid bearer token" }, undefined],
  ["a word for yes", agent({ authenticated: "true" }), undefined],
  ["another audience", agent({ audiences: ["https://kubernetes.default.svc"] }), undefined],
  ["a server that knows no audiences", agent({ audiences: undefined }), undefined],
  ["no status", null, undefined],
];
for (const [what, status, wanted] of answers)
  test(`an answer: ${what}`, async () => {
    const caller = await setUp(status).reviews.callerOf(token);
    assert.equal(caller && `${caller.role} ${caller.owns}`, wanted);
  });

const unasked: readonly (readonly [string, string])[] = [
  ["no JSON web token", "0123456789012345678901234567890123456789"],
  ["one without claims", "a.b.c"],
  ["one without an end", jwt({ aud: ["romana"] })],
  ["one that has ended", jwt({ exp: NOW - 1 })],
  ["one of four parts", `${token}.x`],
  ["one that is far too long", jwt({ exp: NOW + 3600 }, "s".repeat(9000))],
];
for (const [what, shown] of unasked)
  test(`nobody is asked about ${what}`, async () => {
    const { reviews, asked } = setUp();
    assert.equal(await reviews.callerOf(shown), undefined);
    assert.deepEqual(asked, []);
  });

test("an answer serves for a minute, and at once; a refusal for ten seconds", async () => {
  const { reviews, asked, advance } = setUp();
  const other = jwt({ exp: NOW + 3600 }, "other");
  const first = await reviews.callerOf(token);
  await advance(59_000);
  assert.equal(reviews.callerOf(token), first);
  await advance(1000);
  await reviews.callerOf(token);
  assert.deepEqual(asked, [token, token]);
  const bed = setUp({ authenticated: false });
  await bed.reviews.callerOf(other);
  assert.equal(bed.reviews.callerOf(other), undefined);
  await bed.advance(10_000);
  await bed.reviews.callerOf(other);
  assert.equal(bed.asked.length, 2);
});

test("many who show one token at once are one question", async () => {
  const { reviews, asked } = setUp();
  const callers = await Promise.all([1, 2, 3].map(async () => reviews.callerOf(token)));
  assert.deepEqual(
    callers.map((each) => each?.owns),
    ["n1", "n1", "n1"],
  );
  assert.equal(asked.length, 1);
});

const away = (): Promise<never> => Promise.reject(new UnavailableError({ code: "KUBE_UNREACHABLE" }));
const isReview = (error: unknown): boolean =>
  error instanceof UnavailableError && error.code === "TOKEN_REVIEW";

test("while the API server is away who was known is known until the token's end, and nobody else", async () => {
  const bed = setUp();
  await bed.reviews.callerOf(token);
  bed.answer = away;
  await bed.advance(600_000);
  assert.equal((await bed.reviews.callerOf(token))?.owns, "n1");
  await assert.rejects(async () => bed.reviews.callerOf(jwt({ exp: NOW + 3600 }, "new")), isReview);
  await bed.advance(3_000_000);
  assert.equal(bed.reviews.callerOf(token), undefined);
});

test("a clock that jumps past a token's end makes it nobody's for as long, and asks nothing anew", async () => {
  const bed = setUp();
  await bed.reviews.callerOf(token);
  bed.jump(7_200_000);
  assert.equal(bed.reviews.callerOf(token), undefined);
  bed.jump(-2 * 7_200_000);
  assert.equal((await bed.reviews.callerOf(token))?.owns, "n1");
  assert.equal(bed.asked.length, 1);
});

test("an account whose token is refused at the next look is nobody from then on", async () => {
  const bed = setUp();
  await bed.reviews.callerOf(token);
  bed.answer = () => Promise.resolve({ authenticated: false });
  await bed.advance(60_000);
  assert.equal(await bed.reviews.callerOf(token), undefined);
});

test("a flood of tokens asks no more than some questions at once", async () => {
  const bed = setUp();
  bed.answer = () => new Promise(() => undefined);
  const all = Array.from({ length: 40 }, async (_, i) =>
    bed.reviews.callerOf(jwt({ exp: NOW + 3600 }, `${i}`)),
  );
  const failed = await Promise.allSettled(all.slice(32));
  assert.deepEqual([bed.asked.length, failed.every(({ status }) => status === "rejected")], [32, true]);
});

async function daemonWith(t: TestContext, callerOf: TokenReviews["callerOf"]) {
  const argv = ["--new-cluster", "--token-file", tokenFile(t), "--service-accounts", "romana/agent=node"];
  const daemon = await startDaemon({ argv, reviews: { callerOf } });
  t.after(() => daemon.close());
  return async (url: string, authorization: string): Promise<number> =>
    (await daemon.app.inject({ url, headers: { authorization } })).statusCode;
}

test("at the API: the file's tokens first, then Kubernetes; 401 for nobody's, 503 where nobody can say", async (t) => {
  const n1: Caller = { name: "n1", role: "node", owns: "n1", by: "account" };
  const status = await daemonWith(t, (shown) => (shown === "good" ? Promise.resolve(n1) : undefined));
  assert.equal(await status("/hosts", "Bearer good"), 200);
  assert.equal(await status("/backup", "Bearer good"), 403);
  assert.equal(await status("/addresses?host=n2", "Bearer good"), 403);
  assert.equal(await status("/hosts", "Bearer other"), 401);
  assert.equal(await status("/backup", bearerOf("admin").authorization), 200);
  const unknown = await daemonWith(t, away);
  assert.equal(await unknown("/hosts", "Bearer good"), 503);
  assert.equal(await unknown("/readyz", "Bearer good"), 200);
  assert.equal(await unknown("/backup", bearerOf("admin").authorization), 200);
});
