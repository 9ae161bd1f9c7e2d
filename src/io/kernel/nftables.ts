// The table of one network namespace over nfnetlink: a plan as one transaction. Decides nothing about its content.
import { UnavailableError } from "../../base/errors.ts";
import { batchLength, encodeBatch } from "../../core/nft/encode.ts";
import type { NftChange } from "../../core/nft/plan.ts";
import { createWriter } from "../../core/netlink/writer.ts";
import { openLine } from "./conversation.ts";
import { errnoName, type NativePipe } from "./native-pipe.ts";

const NETLINK_NETFILTER = 12;

export interface Nftables {
  /** All or nothing. UnavailableError `NFT_REFUSED` with the kernel's errno: what was there before is there still. */
  apply(changes: readonly NftChange[]): Promise<void>;
  close(): void;
}

/** UnavailableError `NETNS_GONE`, `NETLINK_OPEN`. */
export async function openNftables(pipe: NativePipe, netns: string): Promise<Nftables> {
  const line = await openLine(pipe, netns, { protocol: NETLINK_NETFILTER, decodeObject: () => undefined });
  const send = (changes: readonly NftChange[]): Promise<void> =>
    line.converse<undefined>(batchLength(changes), (first, { resolve, reject }) => {
      const writer = createWriter();
      const last = encodeBatch(writer, changes, first);
      line.channel.send(writer.take());
      return (message) => {
        if (message.kind !== "error") return;
        // An error of the whole bears the first number, of a message its own, and comes before the acknowledgement of the last.
        if (message.errno !== 0)
          reject(
            new UnavailableError({
              code: "NFT_REFUSED",
              errno: errnoName(message.errno),
              at: message.sequence - first,
              text: message.text,
            }),
          );
        else if (message.sequence === last) resolve(undefined);
      };
    });
  return {
    apply: (changes) => (changes.length === 0 ? Promise.resolve() : send(changes)),
    close: () => {
      line.channel.close();
    },
  };
}
