// One netlink channel as a telephone: one request at a time, its answers told apart by sequence number. Knows no routes or links.
import { UnavailableError } from "../../base/errors.ts";
import { decodeDatagram, type DecodeObject, type Message } from "../../core/netlink/decode.ts";
import type { Channel, ChannelListener, NativePipe } from "./native-pipe.ts";

const MAX_SEQUENCE = 0xffffffff;
/** `struct nlmsghdr`; the port comes last. */
const HEADER = 16;

type Ends<T> = { readonly resolve: (result: T) => void; readonly reject: (error: Error) => void };
/** The part of a conversation that talks: `first` is its first sequence number. */
export type Talk<T, O> = (first: number, ends: Ends<T>) => Hear<O>;
/** Hears every message whose sequence number is the conversation's. */
export type Hear<O> = (message: Message<O>) => void;

export interface Line<O> {
  readonly channel: Channel;
  /** By what the kernel knows its socket; `undefined`: it has answered nothing yet. */
  readonly port: number | undefined;
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
  const state: State<O> = { active: undefined, port: undefined };
  const listener = listenerOf(state, of, netns);
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
      const active: Active<O> = { first, last: next - 1, fail: reject, hear: () => undefined };
      state.active = active;
      active.hear = talk(first, { resolve, reject });
    }).finally(() => {
      state.active = undefined;
    });
  return {
    channel,
    get port() {
      return state.port;
    },
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

type State<O> = { active: Active<O> | undefined; port: number | undefined };

function listenerOf<O>(state: State<O>, { decodeObject }: Family<O>, netns: string): ChannelListener {
  return {
    datagram: (bytes) => {
      if (bytes.length >= HEADER) state.port = bytes.readUInt32LE(HEADER - 4);
      for (const message of decodeDatagram(bytes, decodeObject)) tell(state.active, message);
    },
    // Answers were lost, and nobody knows which. What still comes of them bears old numbers.
    overrun: () => state.active?.fail(new UnavailableError({ code: "NETLINK_OVERRUN", netns })),
    failed: (error) => state.active?.fail(error),
  };
}

function tell<O>(active: Active<O> | undefined, message: Message<O>): void {
  if (!active || message.sequence < active.first || message.sequence > active.last) return;
  if (message.kind === "malformed")
    active.fail(new UnavailableError({ code: "NETLINK_MALFORMED", type: message.type }));
  else active.hear(message);
}
