// Packets of one namespace that rules tell of, over nflog. Decides nothing about them.
import { decodeDatagram } from "../../core/netlink/decode.ts";
import { createWriter } from "../../core/netlink/writer.ts";
import { NETLINK_NETFILTER } from "../../core/nft/constants.ts";
import { decodeTold, encodeListen, type ToldPacket } from "../../core/nft/told-packets.ts";
import { type Channel, errnoName, type NativePipe } from "./native-pipe.ts";

export type NflogListener = {
  readonly told: (packet: ToldPacket) => void;
  /** Nobody is told: somebody else listens to the group, or the kernel knows no nflog. */
  readonly refused: (errno: string) => void;
};

/** UnavailableError `NETNS_GONE`, `NETLINK_OPEN`. What is lost is lost. */
export async function openNflog(
  pipe: NativePipe,
  netns: string,
  group: number,
  { told, refused }: NflogListener,
): Promise<Channel> {
  const channel = await pipe.openChannel(
    netns,
    { protocol: NETLINK_NETFILTER, groups: 0 },
    {
      datagram: (bytes) => {
        for (const message of decodeDatagram(bytes, decodeTold))
          if (message.kind === "object") told(message.object);
          else if (message.kind === "error" && message.errno !== 0) refused(errnoName(message.errno));
      },
      overrun: () => undefined,
      failed: () => undefined,
    },
  );
  const writer = createWriter(256);
  encodeListen(writer, group);
  channel.send(writer.take());
  return channel;
}
