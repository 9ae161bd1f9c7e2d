// A client as a process of its own, in a namespace of its own: workers ask, every answer is written down. Told what to do by its parent.
import { createWriteStream } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { seededRng } from "../../../src/base/clock.ts";
import type { Operation } from "../history/history.ts";
import { Agents } from "./agents.ts";
import { Api } from "./api.ts";
import { Operator } from "./operator.ts";
import type { ClientPlan, FromClient, ToClient } from "./plan.ts";
import { Worker, type World } from "./worker.ts";

const stop = new AbortController();
const tell = (message: FromClient): void => void process.send?.(message);

process.on("message", (message: ToClient) => {
  if (message.kind === "stop") stop.abort();
  else void begin(message.plan);
});
process.on("disconnect", () => process.exit(1));

async function begin(plan: ClientPlan): Promise<void> {
  const api = new Api(plan.name, plan.daemons);
  const file = createWriteStream(plan.history);
  let operations = 0;
  const isOver = (): boolean => operations >= plan.operations || stop.signal.aborted;
  const note = (operation: Operation): void => void file.write(`${JSON.stringify(operation)}\n`);
  const world: World = {
    ...{ client: plan.name, hosts: plan.hosts, own: plan.own, daemons: plan.daemons.length },
    ...{ churning: undefined, newest: undefined },
    async ask(request, daemon) {
      if (isOver()) return undefined;
      operations++;
      const operation = await api.ask(request, daemon);
      if (operation.outcome.kind === "given") world.newest = operation.outcome.ips[0];
      note(operation);
      return operation;
    },
    async report(host, body, daemon) {
      if (isOver()) return undefined;
      operations++;
      const reported = await api.report(host, body, daemon);
      note(reported.operation);
      return reported;
    },
    pause: (milliseconds) => delay(milliseconds, undefined, { signal: stop.signal }).catch(() => undefined),
  };
  const progress = setInterval(() => tell({ kind: "progress", operations }), 100);
  const rngOf = (id: number) => seededRng(plan.seed * 1009 + id);
  const workers = Array.from({ length: plan.workers }, (_, id) => new Worker(world, id, rngOf(id)));
  const operator = new Operator(world, rngOf(plan.workers), 1000 + 16_384 * Number(plan.name.at(-1)));
  const agents = new Agents(world, workers, rngOf(plan.workers + 1));
  await agents.introduce();
  await Promise.all([...workers, operator, agents].map((each) => each.run()));
  clearInterval(progress);
  await new Promise((resolve) => file.end(resolve));
  await api.close();
  tell({ kind: "progress", operations });
  tell({ kind: "done", held: workers.flatMap((worker) => worker.alive) });
}
