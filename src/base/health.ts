// Whether each loop of an app lives: a reporter says "I am well" or why not, and silence beyond its time-out is ill.
// Knows nothing of HTTP.
import type { Clock, Duration } from "./clock.ts";

export interface HealthReporter {
  ok(): void;
  /** Stays so until `ok`. */
  failed(reason: string): void;
}

export type HealthState = {
  /** Every part is well. */
  readonly ok: boolean;
  /** No part is silent, be it well or ill: what fails and says so is not mended by a restart. */
  readonly alive: boolean;
  readonly parts: Readonly<Record<string, string>>;
};

export interface Health {
  /** A part that must report; until its first `ok` it counts as starting. `timeout`: silence after which it is ill. */
  reporter(part: string, timeout?: Duration): HealthReporter;
  /** `parts`: name → "ok" or the reason it is not. */
  state(): HealthState;
}

type Part = { reason: string | undefined; at: number; readonly timeout: Duration | undefined };

export function createHealth(clock: Clock): Health {
  const parts = new Map<string, Part>();
  const silence = (part: Part): number => clock.monotonic() - part.at;
  const isSilent = (part: Part): boolean => part.timeout !== undefined && silence(part) > part.timeout;
  const describe = (part: Part): string => {
    if (part.reason !== undefined) return part.reason;
    return isSilent(part) ? `silent for ${Math.round(silence(part) / 1000)} s` : "ok";
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
      const ok = Object.values(shown).every((text) => text === "ok");
      return { ok, alive: !parts.values().some(isSilent), parts: shown };
    },
  };
}
