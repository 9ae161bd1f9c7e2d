// Objects of one kind: mirrored from Kubernetes, and told to the daemon by the listener that leads.
import type { KubeClient } from "../../io/kube/kube-client.ts";
import { type ReflectorOptions, startReflector } from "../../io/kube/reflector.ts";
import { Delivery, type Telling } from "./delivery.ts";
import { type DutyDeps, startDuty } from "./duty.ts";

export interface Told {
  /** This listener begins to lead, or the daemon has forgotten: all is told. */
  began(): void;
  /** The daemon has all. */
  readonly isWhole: boolean;
  close(): Promise<void>;
}

/** `then`: after the daemon was told, whatever it was. */
export function startTelling<T>(
  part: string,
  source: Pick<ReflectorOptions<T>, "path" | "read">,
  telling: Telling<T> & { readonly then?: (items: ReadonlyMap<string, T>) => Promise<void> },
  deps: DutyDeps & { readonly client: KubeClient },
): Told {
  const { health, clock } = deps;
  const delivery = new Delivery(telling, clock);
  const changed: ReflectorOptions<T>["changed"] = (changes) => {
    delivery.changed(changes);
    duty.poke();
  };
  const reflector = startReflector<T>({ ...source, changed }, { ...deps, health: health.reporter(part) });
  const work = async (): Promise<void> => {
    await delivery.work(reflector.items);
    await telling.then?.(reflector.items);
  };
  const duty = startDuty(`${part} told`, { isKnown: () => reflector.synced, work }, deps);
  return {
    get isWhole() {
      return delivery.isWhole;
    },
    began() {
      delivery.compareNext();
      duty.poke();
    },
    async close() {
      await Promise.all([reflector.close(), duty.close()]);
    },
  };
}
