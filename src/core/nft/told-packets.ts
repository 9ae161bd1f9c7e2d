// Packets that rules tell of over nflog: asking for them, and what they are. Of each only the headers are kept.
import { eachAttribute, ipAt, need, textAt, u8At } from "../netlink/attributes.ts";
import type { Writer } from "../netlink/writer.ts";
import type { Ip } from "../net/ip.ts";
import { NFGENMSG, PROTOCOL } from "./constants.ts";

/** NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET and NFULNL_MSG_CONFIG. */
const [PACKET, CONFIG] = [0x400, 0x401];
const ATTR = { command: 1, mode: 2, payload: 9, prefix: 10 } as const;
const [BIND, COPY_PACKET] = [1, 2];
const NLM_F_REQUEST = 1;
/** Both headers, without options. */
const COPIED = 64;

/** `prefix`: of the rule that told. */
export type ToldPacket = {
  readonly prefix: string;
  readonly from: Ip;
  readonly to: Ip;
  /** A number where it has no name here. */
  readonly protocol: string;
  /** Destination port, where the protocol has ports. */
  readonly port: number | undefined;
};

/** Who sends this hears of the group's packets from then on. */
export function encodeListen(w: Writer, group: number): void {
  const header = (): void => {
    w.u8(0);
    w.u8(0);
    w.u8(group >> 8);
    w.u8(group & 0xff);
  };
  w.message(CONFIG, NLM_F_REQUEST, 0, () => {
    header();
    w.attributeBytes(ATTR.command, [BIND]);
    w.attributeBytes(ATTR.mode, [0, 0, 0, COPIED, COPY_PACKET, 0]);
  });
}

/** `undefined`: it is no packet of IP. A RangeError: malformed. */
export function decodeTold(type: number, view: DataView, at: number, end: number): ToldPacket | undefined {
  if (type !== PACKET) return undefined;
  need(at, NFGENMSG, end);
  let prefix = "";
  let packet: Omit<ToldPacket, "prefix"> | undefined;
  eachAttribute(view, at + NFGENMSG, end, (attribute, from, to) => {
    if (attribute === ATTR.prefix) prefix = textAt(view, from, to);
    if (attribute === ATTR.payload) packet = readPacket(view, from, to);
  });
  return packet && { prefix, ...packet };
}

const NAMES = new Map<number, string>([
  ...Object.entries(PROTOCOL).map(([name, number]) => [number, name] as const),
  [PROTOCOL.icmp4, "icmp"],
  [PROTOCOL.icmp6, "icmpv6"],
]);
const WITH_PORTS: readonly number[] = [PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.sctp];

function readPacket(view: DataView, at: number, end: number): Omit<ToldPacket, "prefix"> | undefined {
  const version = u8At(view, at, end) >> 4;
  if (version !== 4 && version !== 6) return undefined;
  const [source, size, header] = version === 4 ? [12, 4, 4 * (u8At(view, at, end) & 15)] : [8, 16, 40];
  const ip = (from: number): Ip => ipAt(view, at + from, end, version);
  const number = view.getUint8(at + (version === 4 ? 9 : 6));
  const hasPort = WITH_PORTS.includes(number) && end - at >= header + 4;
  return {
    ...{ from: ip(source), to: ip(source + size), protocol: NAMES.get(number) ?? String(number) },
    port: hasPort ? view.getUint16(at + header + 2, false) : undefined,
  };
}
