// Whether each loop of an app lives: a reporter says "I am well" or why not, and silence beyond its time-out is ill.
// Knows nothing of HTTP.
import type { Clock, Duration } from "./clock.ts";

export interface HealthReporter {
  ok(): void;
  /** Stays so until `ok`. */
  failed(reason: string): void;
}

export type HealthState = { readonly ok: boolean; readonly parts: Readonly<Record<string, string>> };

export interface Health {
  /** A part that must report; until its first `ok` it counts as starting. `timeout`: silence after which it is ill. */
  reporter(part: string, timeout?: Duration): HealthReporter;
  /** `parts`: name → "ok" or the reason it is not. */
  state(): HealthState;
}

type Part = { reason: string | undefined; at: number; readonly timeout: Duration | undefined };

export function createHealth(clock: Clock): Health {
  const parts = new Map<string, Part>();
  const describe = (part: Part): string => {
    if (part.reason !== undefined) return part.reason;
    const silent = clock.monotonic() - part.at;
    return part.timeout !== undefined && silent > part.timeout
      ? `silent for ${Math.round(silent / 1000)} s`
      : "ok";
  };
  return {
    reporter(name, timeout) {
      const part: Part = { reason: "starting", at: clock.monotonic(), timeout };
      parts.set(name, part);
      const set = (reason: string | undefined): void => {
        part.reason = reason;
        part.at = clock.monotonic();
      };
      return { ok: () => set(undefined), failed: (reason) => set(reason) };
    },
    state() {
      const shown = Object.fromEntries([...parts].map(([name, part]) => [name, describe(part)]));
      return { ok: Object.values(shown).every((text) => text === "ok"), parts: shown };
    },
  };
}
