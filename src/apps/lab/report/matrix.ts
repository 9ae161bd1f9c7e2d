// The ping matrix as a picture: a row for each pod that asks, a cell for each pod that is asked. Pure.
import type { PodState } from "../state.ts";
import type { Matrix } from "./probes.ts";

/** Pods that still make a picture; more become hosts. */
const MOST_PODS = 48;

type Cell = { readonly name: string; readonly host: string; readonly pods: readonly PodState[] };

/** `■`: every address answered; `·`: none did; `4` and `6`: only that family did; `?`: some. */
export function matrixLines({ failed }: Matrix, pods: readonly PodState[]): string[] {
  const cells = pods.length > MOST_PODS ? byHost(pods) : pods.map(single);
  const lost = new Set(failed.map(({ from, ip }) => `${from} ${ip}`));
  const indent = Math.max(0, ...cells.map(({ name }) => name.length)) + 2;
  return cells.map((from) => {
    const marks = cells.map((to, i) => gap(cells, i) + mark(from, to, lost));
    return from.name.padEnd(indent) + marks.join("");
  });
}

const single = (pod: PodState): Cell => ({ name: pod.name, host: pod.host, pods: [pod] });

function byHost(pods: readonly PodState[]): Cell[] {
  const hosts = [...new Set(pods.map(({ host }) => host))];
  return hosts.map((host) => ({ name: host, host, pods: pods.filter((pod) => pod.host === host) }));
}

/** A blank between pods of different hosts. */
const gap = (cells: readonly Cell[], i: number): string =>
  i > 0 && cells[i]?.pods.length === 1 && cells[i]?.host !== cells[i - 1]?.host ? " " : "";

function mark(from: Cell, to: Cell, lost: ReadonlySet<string>): string {
  const asked = from.pods.flatMap(({ name }) =>
    to.pods
      .flatMap(({ ips }) => ips)
      .map((ip) => ({ isIpv6: ip.includes(":"), isLost: lost.has(`${name} ${ip}`) })),
  );
  const answered = asked.filter(({ isLost }) => !isLost);
  if (answered.length === asked.length) return "■";
  if (answered.length === 0) return "·";
  const [v4, v6] = [asked.filter(({ isIpv6 }) => !isIpv6), asked.filter(({ isIpv6 }) => isIpv6)];
  if (v6.every(({ isLost }) => isLost) && v4.every(({ isLost }) => !isLost)) return "4";
  if (v4.every(({ isLost }) => isLost) && v6.every(({ isLost }) => !isLost)) return "6";
  return "?";
}
