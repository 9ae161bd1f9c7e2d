// What our table needs of the kernel, each asked for by a batch that the kernel judges and does not keep.
import { UnavailableError } from "../../../base/errors.ts";
import { DENIED_GROUP } from "../../../core/desired/ruleset-words.ts";
import { planRuleset } from "../../../core/nft/plan.ts";
import type { Observed } from "../../../core/nft/standing.ts";
import type {
  HookName,
  KeyType,
  Match,
  NftChain,
  NftRule,
  NftSet,
  Ruleset,
} from "../../../core/nft/types.ts";
import type { Nftables } from "../../../io/kernel/nftables.ts";

/** Of no chain and set of ours, so that a table which is there already is in nobody's way. */
const NAME = "feature-check";

const set = (key: readonly KeyType[], kind: { interval?: boolean; isMap?: boolean } = {}): NftSet => ({
  ...{ name: NAME, comment: "", key, interval: false, isMap: false, elements: new Map() },
  ...kind,
});
const chain = (...matches: Match[]): NftChain => ({
  ...{ name: NAME, comment: "", hook: undefined },
  rules: [{ matches, counter: true, verdict: { kind: "drop" }, comment: "" } satisfies NftRule],
});
const telling: NftChain = {
  ...{ name: NAME, comment: "", hook: undefined },
  rules: [
    {
      ...{ matches: [], counter: false, comment: "" },
      verdict: { kind: "log", group: DENIED_GROUP, prefix: "", perSecond: 1, burst: 1 },
    },
  ],
};
const hook = (name: HookName): NftChain => ({
  ...{
    name: NAME,
    comment: "",
    hook: { type: "filter", name, priority: 0 },
    rules: [],
  },
});
const only = (...parts: readonly (NftSet | NftChain)[]): Ruleset => ({
  sets: new Map(parts.flatMap((each) => ("key" in each ? [[each.name, each]] : []))),
  chains: new Map(parts.flatMap((each) => ("rules" in each ? [[each.name, each]] : []))),
});

const FEATURES: readonly (readonly [name: string, Ruleset])[] = [
  ["tables of both families (CONFIG_NF_TABLES_INET)", only()],
  ["filters where packets come in and go out", only(hook("forward"))],
  ["sets of prefixes", only(set(["ipv4_addr"], { interval: true }))],
  ["sets of pairs", only(set(["ifname", "ipv6_addr"]))],
  ["maps to chains", only(set(["ipv6_addr"], { isMap: true }))],
  ["rules with counters", only(chain())],
  ["telling of packets (CONFIG_NFT_LOG, CONFIG_NFT_LIMIT, CONFIG_NETFILTER_NETLINK_LOG)", only(telling)],
  ["the state of flows (CONFIG_NFT_CT)", only(chain({ kind: "known-flow" }))],
  ["the kind of an address (CONFIG_NFT_FIB_INET)", only(chain({ kind: "to-this-host" }))],
];

/** Names of those that the kernel refuses. UnavailableError of what is no refusal. */
export async function missingFeatures(
  nftables: Pick<Nftables, "check">,
  { kind }: Pick<Observed, "kind">,
): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, ruleset] of FEATURES)
    try {
      const plan = planRuleset(ruleset, undefined);
      await nftables.check(plan.filter((change) => kind === "none" || change.kind !== "table-add"));
    } catch (error) {
      if (!(error instanceof UnavailableError && error.code === "NFT_REFUSED")) throw error;
      missing.push(`${name} (${String(error.details["errno"])})`);
    }
  return missing;
}
