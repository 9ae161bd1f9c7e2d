// The kernel of a node in memory: tables, rules and links with the kernel's own habits, whose notifications wait until a test takes
// them, and which fails when told to.
import { UnavailableError } from "../../src/base/errors.ts";
import { parseIp } from "../../src/core/net/ip.ts";
import { sameRule } from "../../src/core/desired/plan-routes.ts";
import { equalRoutes, routeKey } from "../../src/core/desired/route-table.ts";
import type {
  Change,
  InterfaceAddress,
  Link,
  Notification,
  Route,
  Rule,
} from "../../src/core/netlink/types.ts";
import type { ChangeResult, Kernel } from "../../src/io/kernel/kernel.ts";
import { changeTable } from "./kernel-table.ts";

export interface FakeKernel extends Kernel {
  readonly table: readonly Route[];
  readonly ruleList: readonly Rule[];
  /** Neighbours that were made, as `index ip`. */
  readonly neighbours: ReadonlySet<string>;
  /** How often everything was read. */
  readonly looks: number;
  /** What was told since the last call. */
  take(): Notification[];
  /** Somebody else does it; it is told as the kernel tells it. */
  outside(...changes: Change[]): void;
  /** A link goes down or up: its routes go with it, those of IPv4 without a word. */
  setLink(index: number, up: boolean): void;
  /** Called when routes are read, after they were. */
  onRoutes(hook: () => void): void;
  /** Changes that this names are refused with its code. */
  refuse(codeOf: (change: Change) => string | undefined): void;
  /** Answers nothing until the result is called. */
  hang(): () => void;
  readonly files: Map<string, string>;
}

const link = (index: number, name: string): Link => ({
  ...{
    index,
    name,
    kind: "veth",
    mtu: 1500,
    up: true,
    operational: true,
    mac: "",
    peerIndex: 0,
    master: 0,
    alias: "",
  },
});
const address = (index: number, text: string, length: number): InterfaceAddress => ({
  ...{ index, ip: parseIp(text), length, label: "", scope: 0, flags: 0 },
});
export const UPLINK = 2;

const failed = (code: string): ChangeResult => ({ kind: "failed", errno: 1, code, message: code });
const done: ChangeResult = { kind: "done" };

/** lo, eth0 (2) with 192.168.0.1/24 and fd01::1/64, and the host ends `rom70` … of `pods`. */
export function createFakeKernel(pods: readonly number[] = []): FakeKernel {
  let links: readonly Link[] = [
    link(1, "lo"),
    link(UPLINK, "eth0"),
    ...pods.map((index) => link(index, `rom${index}`)),
  ];
  const addresses = [address(UPLINK, "192.168.0.1", 24), address(UPLINK, "fd01::1", 64)];
  let table: readonly Route[] = [];
  let rules: readonly Rule[] = [];
  const told: Notification[] = [];
  let looks = 0;
  let refusal: (change: Change) => string | undefined = () => undefined;
  let hook = (): void => undefined;
  let answered: Promise<void> = Promise.resolve();
  const neighbours = new Set<string>();
  const files = new Map([
    ["/proc/sys/net/ipv4/ip_forward", "1"],
    ["/proc/sys/net/ipv6/conf/all/forwarding", "1"],
  ]);
  const isUp = (index: number): boolean => links.some((each) => each.index === index && each.up);
  const doRoute = (change: Extract<Change, { route: Route }>): ChangeResult => {
    const { kind, route } = change;
    if (kind !== "route-delete" && !route.nextHops.every(({ index }) => isUp(index)))
      return failed("ENETDOWN");
    const before = table.find((each) => routeKey(each) === routeKey(route));
    const next = changeTable(table, change);
    if (typeof next === "string") return failed(next);
    table = next;
    // An IPv4 route that is replaced by its like is no news.
    if (kind === "route-delete" || !before || !equalRoutes(before, route))
      told.push({ kind: "route", deleted: kind === "route-delete", route });
    return done;
  };
  const doRule = (kind: "rule-add" | "rule-delete", rule: Rule): ChangeResult => {
    const found = rules.find((each) => sameRule(each, rule));
    if (kind === "rule-add" ? found : !found) return failed(kind === "rule-add" ? "EEXIST" : "ENOENT");
    rules = found ? rules.filter((each) => each !== found) : [...rules, rule];
    told.push({ kind: "rule", deleted: found !== undefined, rule: found ?? rule });
    return done;
  };
  const setLink = (index: number, up: boolean): void => {
    links = links.map((each) => (each.index === index ? { ...each, up } : each));
    const changed = links.find((each) => each.index === index);
    if (changed) told.push({ kind: "link", deleted: false, link: changed });
    if (up) return;
    const gone = table.filter(({ nextHops }) => nextHops.some((hop) => hop.index === index));
    table = table.filter((route) => !gone.includes(route));
    for (const route of gone)
      if (route.dst.ip.family === 6) told.push({ kind: "route", deleted: true, route });
    for (const each of neighbours) if (each.startsWith(`${index} `)) neighbours.delete(each);
  };
  const doOne = (change: Change): ChangeResult => {
    if ("route" in change) return doRoute(change);
    if ("rule" in change) return doRule(change.kind, change.rule);
    if (change.kind === "link-up") setLink(change.index, true);
    else if (change.kind === "neighbour-replace") neighbours.add(`${change.index} ${change.ip.value}`);
    else throw new Error(`the fake kernel knows no ${change.kind}`);
    return done;
  };
  return {
    get table() {
      return table;
    },
    get ruleList() {
      return rules;
    },
    get looks() {
      return looks;
    },
    neighbours,
    files,
    take: () => told.splice(0),
    outside: (...changes) => {
      for (const change of changes) doOne(change);
    },
    setLink,
    onRoutes: (next) => void (hook = next),
    refuse: (next) => void (refusal = next),
    hang: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      answered = promise;
      return resolve;
    },
    links: () => answered.then(() => links),
    link: async (index) => links.find((each) => each.index === index),
    addresses: async () => addresses,
    rules: async (family) => rules.filter((rule) => rule.family === family),
    routes: async (family, of) => {
      if (of !== 10) return [];
      if (family === 4) looks++;
      const read = table.filter(({ dst }) => dst.ip.family === family);
      if (family === 6) hook();
      return read;
    },
    apply: async (changes) =>
      changes.map((change) => {
        const code = refusal(change);
        return code === undefined ? doOne(change) : failed(code);
      }),
    notifications: () => Promise.reject(new Error("take() them")),
    readFile: async (path) => {
      const text = files.get(path);
      if (text === undefined) throw new UnavailableError({ code: "FILE_READ", path });
      return text;
    },
    writeFile: async (path, text) => void files.set(path, text),
    close: async () => undefined,
  };
}
