// Clients that allocate addresses over HTTP: as fast as they can with so many under way, or at a given rate.
import { ApiConnection } from "./api-connection.ts";
import { pause } from "./processes.ts";

let serial = 0;

/** A name that was not asked for before. */
const addressRequest = (host: string): string =>
  `{"name":"pod-${serial++}","host":"${host}","tenant":"default","segment":"default"}`;

/** Answers per second with all of the crowd asking, each again when it has its answer. */
export async function closedLoopRate(
  members: readonly (() => Promise<unknown>)[],
  count: number,
): Promise<number> {
  let left = count;
  const start = performance.now();
  await Promise.all(
    members.map(async (ask) => {
      while (left-- > 0) await ask();
    }),
  );
  return count / ((performance.now() - start) / 1000);
}

/** Milliseconds of each answer, from when its question was due: `rate` a second, whatever the answers before took. */
export async function openLoopTimes(
  members: readonly (() => Promise<unknown>)[],
  rate: number,
  count: number,
): Promise<number[]> {
  const idle = [...members];
  const due: number[] = [];
  const times: number[] = [];
  const work = async (ask: () => Promise<unknown>): Promise<void> => {
    for (let at = due.shift(); at !== undefined; at = due.shift()) {
      await ask();
      times.push(performance.now() - at);
    }
    idle.push(ask);
  };
  const running: Promise<void>[] = [];
  const start = performance.now();
  for (let asked = 0; asked < count;) {
    for (; asked < count && start + (asked * 1000) / rate <= performance.now(); asked++) {
      due.push(start + (asked * 1000) / rate);
      const ask = idle.pop();
      if (ask) running.push(work(ask));
    }
    await pause(1);
  }
  await Promise.all(running);
  return times;
}

export type ClientOptions = {
  readonly ports: readonly number[];
  readonly clients: number;
  readonly hosts: number;
  /** Of the host with that number; `host-0` and so on. */
  readonly nameOf?: (host: number) => string;
};

/** Clients spread over the daemons, each with a connection of its own; a host is served by one daemon, as agents stay where they are. */
export async function openClients({
  ports,
  clients,
  hosts,
  nameOf = (host) => `host-${host}`,
}: ClientOptions) {
  const connections = await Promise.all(
    Array.from({ length: clients }, (_, i) => ApiConnection.open(ports[i % ports.length] ?? 0)),
  );
  return {
    members: connections.map((connection, i) => {
      const first = i % ports.length;
      const served = Math.ceil((hosts - first) / ports.length);
      let next = i;
      return () =>
        connection.post("/address", addressRequest(nameOf(first + ports.length * (next++ % served))));
    }),
    close: () => connections.forEach((each) => each.close()),
  };
}
