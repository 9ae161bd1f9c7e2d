// The places of the run: network namespaces on one bridge, and what can go wrong between them. All of it is nft's in the namespaces.
import { execFileSync } from "node:child_process";
import { type Bed, ip } from "../../../test/support/bed.ts";

export type Place = {
  readonly name: string;
  /** Path of its network namespace. */
  readonly netns: string;
  readonly address: string;
};

export type Network = {
  /** Another namespace on the bridge. */
  place(name: string): Place;
};

const shortOf = (netns: string): string => netns.split("/").at(-1) ?? "";

export function createNetwork(bed: Bed): Network {
  const hub = shortOf(bed.netns("hub"));
  ip("-n", hub, "link", "add", "br0", "type", "bridge");
  ip("-n", hub, "link", "set", "br0", "up");
  let count = 0;
  return {
    place(name) {
      const netns = bed.netns(name);
      const address = `10.99.0.${++count}`;
      const ns = shortOf(netns);
      ip("-n", ns, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", hub);
      ip("-n", ns, "address", "add", `${address}/24`, "dev", "eth0");
      ip("-n", ns, "link", "set", "eth0", "up");
      ip("-n", hub, "link", "set", name, "up", "master", "br0");
      nft(netns, RULES);
      return { name, netns, address };
    },
  };
}

/** `cut` and `lossy`: addresses of others, from whom and to whom nothing passes, or not all. */
const RULES = `table inet fault {
  set cut { type ipv4_addr; }
  set lossy { type ipv4_addr; }
  chain in {
    type filter hook input priority 0
    ip saddr @cut drop
    ip saddr @lossy numgen random mod 100 < 20 drop
  }
  chain out {
    type filter hook output priority 0
    ip daddr @cut drop
  }
}`;

function nft(netns: string, text: string): void {
  execFileSync("nsenter", [`--net=${netns}`, "nft", "-f", "-"], { input: text });
}

/** Nothing passes between the two, in either direction. */
export const cut = (a: Place, b: Place): void => change("add", "cut", a, b);
export const join = (a: Place, b: Place): void => change("delete", "cut", a, b);
/** A fifth of the packets between the two is lost, in both directions. */
export const lose = (a: Place, b: Place): void => change("add", "lossy", a, b);
export const loseNothing = (a: Place, b: Place): void => change("delete", "lossy", a, b);

function change(verb: "add" | "delete", set: string, a: Place, b: Place): void {
  nft(a.netns, `${verb} element inet fault ${set} { ${b.address} }`);
  nft(b.netns, `${verb} element inet fault ${set} { ${a.address} }`);
}
