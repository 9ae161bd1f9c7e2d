// Datagrams of rtnetlink as messages. Robust against truncated and foreign input: what cannot be read is a `malformed` message.
import { align, eachAttribute, need, textAt } from "./attributes.ts";
import { NLM_F, NLMSG, NLMSGERR_ATTR_MSG, RTM } from "./constants.ts";
import { decodeAddress, decodeForwarding, decodeLink, decodeRule } from "./decode-objects.ts";
import { decodeRoute } from "./decode-route.ts";
import type { Notification } from "./types.ts";

/** An object that a dump lists or a notification tells of. */
export type KernelObject = Exclude<Notification, { kind: "overrun" }>;

export type Message<O = KernelObject> =
  /** `errno` 0: an acknowledgement. `text`: the kernel's extended explanation, "" without one. */
  | { readonly kind: "error"; readonly sequence: number; readonly errno: number; readonly text: string }
  /** `interrupted`: the dump changed under way and must be asked for again. `errno`: it failed. */
  | {
      readonly kind: "done";
      readonly sequence: number;
      readonly errno: number;
      readonly interrupted: boolean;
    }
  | {
      readonly kind: "object";
      readonly sequence: number;
      readonly interrupted: boolean;
      readonly object: O;
    }
  /** Cut short or inconsistent: its content is unknown, and so is whether more was to follow. */
  | { readonly kind: "malformed"; readonly sequence: number; readonly type: number };

const HEADER = 16;

/** The body of one message of a family of netlink, after its header. A RangeError: it is malformed. */
export type DecodeObject<O> = (type: number, view: DataView, at: number, end: number) => O | undefined;

/** All messages of one datagram of rtnetlink; of a kind that is not asked for (RTM_NEWNEIGH, …) none. */
export const decodeMessages = (bytes: Uint8Array): Message[] => decodeDatagram(bytes, decodeObject);

export function decodeDatagram<O>(bytes: Uint8Array, decodeObject: DecodeObject<O>): Message<O>[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Message<O>[] = [];
  let at = 0;
  for (; at + HEADER <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > bytes.length) break;
    const message = decodeMessage(view, at, at + length, decodeObject);
    if (message) messages.push(message);
    at += align(length);
  }
  if (at < bytes.length) messages.push(malformedRest(view, at));
  return messages;
}

function malformedRest(view: DataView, at: number): Message<never> {
  const whole = at + HEADER <= view.byteLength;
  return {
    kind: "malformed",
    sequence: whole ? view.getUint32(at + 8, true) : 0,
    type: whole ? view.getUint16(at + 4, true) : 0,
  };
}

function decodeMessage<O>(
  view: DataView,
  at: number,
  end: number,
  decodeObject: DecodeObject<O>,
): Message<O> | undefined {
  const type = view.getUint16(at + 4, true);
  const flags = view.getUint16(at + 6, true);
  const sequence = view.getUint32(at + 8, true);
  const interrupted = (flags & NLM_F.dumpInterrupted) !== 0;
  try {
    if (type === NLMSG.done)
      return { kind: "done", sequence, errno: doneErrno(view, at + HEADER, end), interrupted };
    if (type === NLMSG.error) return decodeError(view, at + HEADER, end, flags, sequence);
    const object = decodeObject(type, view, at + HEADER, end);
    return object && { kind: "object", sequence, interrupted, object };
  } catch (error) {
    if (error instanceof RangeError) return { kind: "malformed", sequence, type };
    throw error;
  }
}

/** `-0` is not 0 to assertions and maps: errno is made positive with care. */
const positive = (negated: number): number => (negated === 0 ? 0 : -negated);

const doneErrno = (view: DataView, at: number, end: number): number =>
  at + 4 <= end ? positive(view.getInt32(at, true)) : 0;

/** `struct nlmsgerr`, then, past the echoed request, attributes. */
function decodeError(
  view: DataView,
  at: number,
  end: number,
  flags: number,
  sequence: number,
): Message<never> {
  need(at, 4 + HEADER, end);
  const errno = positive(view.getInt32(at, true));
  let text = "";
  if (flags & NLM_F.ackTlvs) {
    const echoed = flags & NLM_F.capped ? HEADER : view.getUint32(at + 4, true);
    eachAttribute(view, at + 4 + align(echoed), end, (type, from, to) => {
      if (type === NLMSGERR_ATTR_MSG) text = textAt(view, from, to);
    });
  }
  return { kind: "error", sequence, errno, text };
}

/** Of rtnetlink. */
export function decodeObject(
  type: number,
  view: DataView,
  at: number,
  end: number,
): KernelObject | undefined {
  switch (type) {
    case RTM.newRoute:
    case RTM.delRoute: {
      const route = decodeRoute(view, at, end);
      return route && { kind: "route", deleted: type === RTM.delRoute, route };
    }
    case RTM.newLink:
    case RTM.delLink:
      return { kind: "link", deleted: type === RTM.delLink, link: decodeLink(view, at, end) };
    case RTM.newAddress:
    case RTM.delAddress: {
      const address = decodeAddress(view, at, end);
      return address && { kind: "address", deleted: type === RTM.delAddress, address };
    }
    case RTM.newRule:
    case RTM.delRule: {
      const rule = decodeRule(view, at, end);
      return rule && { kind: "rule", deleted: type === RTM.delRule, rule };
    }
    case RTM.newNetconf:
      return decodeForwarding(view, at, end);
    default:
      return undefined;
  }
}
