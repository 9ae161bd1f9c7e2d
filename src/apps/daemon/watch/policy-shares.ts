// What each node is told of the policies. While there are none nothing is kept; with the first one the index is filled piece by piece, so that
// nobody waits for it, and nodes are told when it is whole. Knows no streams.
import { type Clock, Milliseconds, Seconds } from "../../../base/clock.ts";
import type { Lock } from "../../../base/lock.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import type { NodeDelta } from "../../../core/model/node-policy.ts";
import { encodeNodeDelta, encodeNodePolicy } from "../../../core/policy/node-codec.ts";
import { createPolicyIndex, type PolicyIndex, type WorldChange } from "../../../core/policy/policy-index.ts";
import type { MirrorChange } from "../mirror.ts";
import { RecordedWorld } from "./recorded-world.ts";
import type { ShareChange } from "./watch-hub.ts";

/** Changes that the index takes at once, and how long it works before others have their turn. */
const AT_ONCE = 20;
const TURN = Milliseconds(10);
/** How long it fills before its loop says that it lives: a large world takes longer than a loop may be silent. */
const SPELL = Seconds(1);

type Kept = {
  readonly world: RecordedWorld;
  /** What the index has not taken yet. */
  readonly rest: Iterator<WorldChange>;
  readonly index: PolicyIndex;
  isWhole: boolean;
};

export type SharesDeps = {
  readonly clock: Clock;
  /** The mirror's, which changes only with the lock held. */
  readonly state: IpamState;
  readonly lock: Lock;
  /** Whether what the store says of policies is all there is. */
  readonly isSettled: () => boolean;
  /** What was told of all shares is void. */
  readonly renewed: () => void;
};

export class PolicyShares {
  readonly #deps: SharesDeps;
  /** `undefined`: there are no policies. */
  #kept: Kept | undefined;

  constructor(deps: SharesDeps) {
    this.#deps = deps;
  }

  /** Whether it needs to hear of every address. */
  get hearsAddresses(): boolean {
    return this.#kept !== undefined;
  }

  /** A host's share as JSON, `null` where there are no policies; `undefined`: not known yet. From then on `take` says what changes in it. */
  of(host: string): string | undefined {
    if (!this.#deps.isSettled()) return undefined;
    if (!this.#kept) return "null";
    return this.#kept.isWhole ? encodeNodePolicy(this.#kept.index.nodePolicy(host)) : undefined;
  }

  /** Nobody here follows the host's share any more. */
  forget(host: string): void {
    this.#kept?.index.forget(host);
  }

  /** By host, what changes in the shares that were asked for. Call with the lock held. */
  take({ writes, whole }: MirrorChange): ReadonlyMap<string, ShareChange> {
    const { state } = this.#deps;
    const hasPolicies = state.policies.size > 0;
    const isOther = this.#kept && this.#kept.world.knowsTenants !== state.tenants.size > 0;
    if (whole || isOther || hasPolicies !== (this.#kept !== undefined)) {
      this.#kept = hasPolicies ? newKept(state) : undefined;
      this.#deps.renewed();
      return new Map();
    }
    if (!this.#kept) return new Map();
    const deltas = this.#kept.index.apply(this.#kept.world.changes(writes));
    if (!this.#kept.isWhole) return new Map();
    return new Map([...deltas].map(([host, delta]) => [host, changeOf(delta)]));
  }

  /**
   * Fills the index, if that is to be done, for a while: call it again until all is told. Changes that come meanwhile are taken as they come:
   * what is put twice is there once.
   */
  async fill(): Promise<void> {
    const kept = this.#kept;
    const { clock, lock } = this.#deps;
    const end = clock.monotonic() + SPELL;
    while (kept && this.#kept === kept && !kept.isWhole && clock.monotonic() < end) {
      await lock.run(() => fillOn(kept, clock));
      await clock.sleep(Milliseconds(0));
    }
  }
}

function fillOn(kept: Kept, clock: Clock): void {
  const end = clock.monotonic() + TURN;
  while (!kept.isWhole && clock.monotonic() < end) {
    const some: WorldChange[] = [];
    while (some.length < AT_ONCE && !kept.isWhole) {
      const next = kept.rest.next();
      if (next.done) kept.isWhole = true;
      else some.push(next.value);
    }
    kept.index.apply(some);
  }
}

const changeOf = (delta: NodeDelta): ShareChange => ({
  delta: encodeNodeDelta(delta),
  isOfPods: delta.pods.put.length > 0,
});

function newKept(state: IpamState): Kept {
  const world = new RecordedWorld(state);
  return { world, rest: world.whole(), index: createPolicyIndex(), isWhole: false };
}
