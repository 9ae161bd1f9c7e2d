// What policies keep out, as lines of the log: so many a second as the table tells of (core/desired/ruleset-words.ts).
import type { Log } from "../../../base/log.ts";
import { listsOf } from "../../../core/desired/denials.ts";
import { DENIED_GROUP } from "../../../core/desired/ruleset-words.ts";
import type { NodePolicy } from "../../../core/model/node-policy.ts";
import { equalIp, formatIp, type Ip } from "../../../core/net/ip.ts";
import type { ToldPacket } from "../../../core/nft/told-packets.ts";
import type { Nftables } from "../../../io/kernel/nftables.ts";
import type { Share } from "./share.ts";

export type DenyLogDeps = {
  readonly nftables: Pick<Nftables, "listen">;
  readonly share: Pick<Share, "policy">;
  readonly log: Log;
};

/** UnavailableErrors of `Nftables.listen`. */
export async function startDenyLog({ nftables, share, log }: DenyLogDeps): Promise<void> {
  await nftables.listen(DENIED_GROUP, {
    told: (packet) => {
      const { policy } = share;
      if (policy) log.info("denied", fieldsOf(packet, policy));
    },
    refused: (errno) =>
      log.error("what policies deny is not logged: does another program listen to nflog's group?", {
        ...{ group: DENIED_GROUP, errno },
      }),
  });
}

/** Pods of this node by name; who is elsewhere is an address. Of rules that went meanwhile the policies are not known any more. */
function fieldsOf(
  { prefix, from, to, protocol, port }: ToldPacket,
  policy: NodePolicy,
): Record<string, unknown> {
  const [fromPod, toPod] = [podAt(policy, from), podAt(policy, to)];
  return {
    ...listsOf(policy).get(prefix),
    ...{ from: formatIp(from), to: formatIp(to), protocol },
    ...(port === undefined ? {} : { port }),
    ...(fromPod === undefined ? {} : { fromPod }),
    ...(toPod === undefined ? {} : { toPod }),
  };
}

const podAt = ({ pods }: NodePolicy, ip: Ip): string | undefined =>
  pods.values().find(({ ips }) => ips.some((each) => equalIp(each, ip)))?.id;
