// What an operator must know, as Events on the objects that it is about: once, and again while it lasts, as Kubernetes forgets them
// after an hour.
import { allEnded } from "../../base/all-ended.ts";
import { type Clock, Seconds } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { KubeClient } from "../../io/kube/kube-client.ts";

/** What is wrong with an object. */
export type ObjectFault = {
  readonly object: ObjectRef;
  /** One word in capitals and small letters. */
  readonly reason: string;
  readonly message: string;
};

export type ObjectRef = {
  readonly apiVersion: string;
  readonly kind: string;
  /** "": of the cluster. */
  readonly namespace: string;
  readonly name: string;
};

export type EventsDeps = {
  readonly client: Pick<KubeClient, "ask">;
  readonly clock: Clock;
  readonly log: Log;
  readonly identity: string;
};

const AGAIN_AFTER = Seconds(3000);
/** Events of one call: what is wrong with all objects is told of some of them at a time. */
const AT_ONCE = 50;
/** core/v1: a note is longer than that nowhere. */
const LONGEST = 1000;

/** Called with all that is wrong now. UnavailableError, after all were tried: what could not be told is told with the next call. */
export function createTeller(deps: EventsDeps): (faults: readonly ObjectFault[]) => Promise<void> {
  const { clock, log } = deps;
  /** When it was told; -Infinity: it could not be. */
  let told = new Map<string, number>();
  const tell = async (key: string, fault: ObjectFault): Promise<void> => {
    if (told.get(key) !== -Infinity) log.warn(fault.message, { ...fault.object, reason: fault.reason });
    told.set(key, -Infinity);
    await post(fault, deps);
    told.set(key, clock.monotonic());
  };
  return async (faults) => {
    const keys = new Map(faults.map((fault) => [JSON.stringify(fault), fault]));
    told = new Map([...told].filter(([key]) => keys.has(key)));
    const now = clock.monotonic();
    const due = [...keys].filter(([key]) => now - (told.get(key) ?? -Infinity) >= AGAIN_AFTER);
    await allEnded(due.slice(0, AT_ONCE).map(([key, fault]) => tell(key, fault)));
  };
}

async function post(
  { object, reason, message }: ObjectFault,
  { client, clock, identity }: EventsDeps,
): Promise<void> {
  const namespace = object.namespace || "default";
  const at = new Date(clock.now()).toISOString().replace(/\.\d+/, "");
  const body = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { generateName: `${object.name}.`, namespace },
    // As the kubelet: events of a node are looked for by its name.
    involvedObject: { ...object, ...(object.kind === "Node" && { uid: object.name }) },
    ...{ type: "Warning", reason, message: message.slice(0, LONGEST), count: 1 },
    ...{ firstTimestamp: at, lastTimestamp: at },
    ...{ source: { component: "romana-listener" }, reportingComponent: "romana-listener" },
    reportingInstance: identity,
  };
  await client.ask("POST", `/api/v1/namespaces/${namespace}/events`, { body });
}
