// One configuration to BIRD: checked before it is the file, told to BIRD after. What BIRD refuses is nowhere: the last good one stays.
import type { BirdConfiguration } from "../../io/bird/bird-configuration.ts";
import type { BirdControl } from "../../io/bird/bird-control.ts";

export type Published =
  | { readonly kind: "unchanged" }
  | { readonly kind: "applied" }
  | { readonly kind: "refused"; readonly reason: string };

export interface Publisher {
  /** Throws what BIRD's adapters throw: whether BIRD has it is not known then, and the next call tells it again. */
  publish(text: string): Promise<Published>;
  /** BIRD may have another configuration than it was told. */
  forget(): void;
}

export type PublishDeps = { readonly configuration: BirdConfiguration; readonly control: BirdControl };

export function createPublisher(deps: PublishDeps): Publisher {
  /** What BIRD said it has; `undefined`: not known. */
  let inForce: string | undefined;
  /** What it refused, and why: the same is not told again and again. */
  let refused: { readonly text: string; readonly reason: string } | undefined;
  return {
    async publish(text) {
      if (text === inForce) return { kind: "unchanged" };
      if (text === refused?.text) return { kind: "refused", reason: refused.reason };
      const reason = await tell(deps, text);
      refused = reason === undefined ? undefined : { text, reason };
      if (reason !== undefined) return { kind: "refused", reason };
      inForce = text;
      return { kind: "applied" };
    },
    forget() {
      inForce = undefined;
      refused = undefined;
    },
  };
}

/** Why it is refused, or `undefined`. */
async function tell({ configuration, control }: PublishDeps, text: string): Promise<string | undefined> {
  const before = await configuration.read();
  if (before !== text) {
    const fault = await configuration.replace(text);
    if (fault !== undefined) return fault;
  }
  const refusal = await control.configure();
  // The program that checks and the one that runs may be of two versions. The next start of BIRD reads the file.
  if (refusal !== undefined && before !== text) await configuration.restore(before);
  return refusal;
}
