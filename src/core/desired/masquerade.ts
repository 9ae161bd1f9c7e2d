// What pods of this node send to the world outside goes under the node's own address: nobody out there knows the way to a pod.
import type { NftChain, NftSet } from "../nft/types.ts";
import type { Cidr } from "../net/cidr.ts";
import { prefixSet, toCidrs } from "../net/prefix-set.ts";
import { entryOf, nftSet } from "./nft-sets.ts";
import { ADDRESS, addressField, chain, FAMILIES, lookups, POD_SETS, rule } from "./ruleset-words.ts";

export type Masquerade = {
  /** Who knows the way to pods: to them a pod's address stays. */
  readonly known: readonly Cidr[];
  /** Only what leaves by this interface; "": by any. */
  readonly outInterface: string;
};

const KNOWN = "known";
/** NF_IP_PRI_NAT_SRC. */
const SOURCE_NAT = 100;

export function masqueradeSets({ known }: Masquerade): NftSet[] {
  const disjoint = toCidrs(prefixSet(known));
  return FAMILIES.map((family) =>
    nftSet({
      ...{ name: KNOWN, comment: "to these pods keep their addresses", family, key: [ADDRESS[family]] },
      ...{
        interval: true,
        entries: disjoint.filter(({ ip }) => ip.family === family).map((cidr) => entryOf(cidr)),
      },
    }),
  );
}

/** Where somebody else has set up a flow's translation before, as kube-proxy does for its services, that one holds. */
export function masqueradeChain({ outInterface }: Masquerade): NftChain {
  const from = lookups(POD_SETS.pods, (family) => [addressField(family, "saddr")]);
  const to = lookups(KNOWN, (family) => [addressField(family, "daddr")], { isOutside: true });
  const out =
    outInterface === "" ? [] : [{ kind: "interface", direction: "out", name: outInterface } as const];
  const rules = FAMILIES.map((_, i) =>
    rule({ kind: "masquerade" }, ...out, ...from.slice(i, i + 1), ...to.slice(i, i + 1)),
  );
  return {
    ...chain("postrouting", "", ...rules),
    hook: { type: "nat", name: "postrouting", priority: SOURCE_NAT },
  };
}
