// The daemon's stream, narrowed to what this node needs: begun anew when the node's subnets are others than before.
import type { WatchLine } from "../../core/api/types.ts";
import type { Mirror } from "../../core/desired/mirror.ts";
import { formatCidr } from "../../core/net/cidr.ts";
import type { Replica } from "../../io/daemon/daemon-client.ts";
import type { WatchScope } from "../../io/daemon/watch-daemon.ts";

export interface ScopedWatch {
  /** Of `replica`, until its stream ends or `signal` aborts. What was yielded must be in the mirror when the next is asked for. */
  lines(replica: Pick<Replica, "watch">, signal: AbortSignal): AsyncGenerator<readonly WatchLine[]>;
  /** The node's subnets may be others now. */
  look(): void;
}

export type ScopedWatchDeps = {
  readonly mirror: Mirror;
  /** What the node needs to hear of, now; `undefined`: everything. */
  readonly scope: () => WatchScope | undefined;
  /** The host whose share of the policies is told; `undefined`: none. */
  readonly policy: string | undefined;
};

export function createScopedWatch(deps: ScopedWatchDeps): ScopedWatch {
  const state: State = { mirrored: undefined, asked: undefined, rescoped: new AbortController() };
  return {
    lines: (replica, signal) => follow(deps, state, replica, signal),
    look() {
      if (state.asked !== undefined && textOf(deps.scope()) !== state.asked) state.rescoped.abort();
    },
  };
}

type State = {
  /** The scope of what the mirror shows: it resumes only with that one. */
  mirrored: string | undefined;
  /** The scope of the present stream. */
  asked: string | undefined;
  /** Ends the present stream. */
  rescoped: AbortController;
};

async function* follow(
  { mirror, scope, policy }: ScopedWatchDeps,
  state: State,
  replica: Pick<Replica, "watch">,
  signal: AbortSignal,
): AsyncGenerator<readonly WatchLine[]> {
  do {
    const wanted = scope();
    const asked = textOf(wanted);
    const rescoped = new AbortController();
    Object.assign(state, { asked, rescoped });
    const from = mirror.seen && { ...mirror.seen, anew: asked !== state.mirrored };
    const stream = replica.watch({ from, scope: wanted, policy }, AbortSignal.any([signal, rescoped.signal]));
    try {
      for await (const lines of stream) {
        yield lines;
        if (lines.some(({ type }) => type === "synced")) state.mirrored = asked;
      }
    } catch (error) {
      if (!rescoped.signal.aborted) throw error;
    }
  } while (state.rescoped.signal.aborted && !signal.aborted);
}

const textOf = (scope: WatchScope | undefined): string =>
  scope ? `${scope.host} ${scope.subnets.map(formatCidr).join()}` : "";
