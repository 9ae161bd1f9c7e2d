// One netlink channel as a telephone: one request at a time, its answers told apart by sequence number. Knows no routes or links.
import { UnavailableError } from "../../base/errors.ts";
import { decodeDatagram, type DecodeObject, type Message } from "../../core/netlink/decode.ts";
import type { Channel, ChannelListener, NativePipe } from "./native-pipe.ts";

const MAX_SEQUENCE = 0xffffffff;

type Ends<T> = { readonly resolve: (result: T) => void; readonly reject: (error: Error) => void };
/** The part of a conversation that talks: `first` is its first sequence number. */
export type Talk<T, O> = (first: number, ends: Ends<T>) => Hear<O>;
/** Hears every message whose sequence number is the conversation's. */
export type Hear<O> = (message: Message<O>) => void;

export interface Line<O> {
  readonly channel: Channel;
  /** Waits for its turn (the kernel refuses a second dump on a socket), then talks until `ends`. `sequences`: how many numbers it uses. */
  converse<T>(sequences: number, talk: Talk<T, O>): Promise<T>;
}

type Active<O> = {
  readonly first: number;
  readonly last: number;
  readonly fail: (error: Error) => void;
  hear: Hear<O>;
};

/** `protocol`: NETLINK_…. */
export type Family<O> = { readonly protocol: number; readonly decodeObject: DecodeObject<O> };

/** UnavailableError as `NativePipe.openChannel`; a conversation also fails with `NETLINK_OVERRUN`, `NETLINK_SEND` and `NATIVE_DIED`. */
export async function openLine<O>(pipe: NativePipe, netns: string, of: Family<O>): Promise<Line<O>> {
  let active: Active<O> | undefined;
  const listener: ChannelListener = {
    datagram: (bytes) => {
      for (const message of decodeDatagram(bytes, of.decodeObject)) tell(active, message);
    },
    // Answers were lost, and nobody knows which. What still comes of them bears old numbers.
    overrun: () => active?.fail(new UnavailableError({ code: "NETLINK_OVERRUN", netns })),
    failed: (error) => active?.fail(error),
  };
  const channel = await pipe.openChannel(netns, { protocol: of.protocol, groups: 0 }, listener);
  let last: Promise<unknown> | undefined;
  let next = 1;
  const talkNow = <T>(sequences: number, talk: Talk<T, O>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const dead = pipe.dead();
      if (dead) throw dead;
      if (next + sequences > MAX_SEQUENCE) next = 1;
      const first = next;
      next += sequences;
      active = { first, last: next - 1, fail: reject, hear: () => undefined };
      active.hear = talk(first, { resolve, reject });
    }).finally(() => {
      active = undefined;
    });
  return {
    channel,
    converse: (sequences, talk) => {
      // Where nobody talks it is sent before the caller goes on, so that the kernel works meanwhile.
      const result = last ? last.then(() => talkNow(sequences, talk)) : talkNow(sequences, talk);
      const ended = result
        .catch(() => undefined)
        .then(() => {
          if (last === ended) last = undefined;
        });
      last = ended;
      return result;
    },
  };
}

function tell<O>(active: Active<O> | undefined, message: Message<O>): void {
  if (!active || message.sequence < active.first || message.sequence > active.last) return;
  if (message.kind === "malformed")
    active.fail(new UnavailableError({ code: "NETLINK_MALFORMED", type: message.type }));
  else active.hear(message);
}
