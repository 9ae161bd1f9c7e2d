// Who changed a table, as the kernel tells all who listen (NFNLGRP_NFTABLES). Each message bears the port of the socket that asked for the change.
import { align, eachAttribute, need, textAt } from "../netlink/attributes.ts";
import * as N from "./constants.ts";

const HEADER = 16;
/** In messages of every kind. */
const TABLE_NAME = 1;

/** Ports of those who changed `table` or something in it. A RangeError: the datagram is malformed. */
export function whoChanged(bytes: Uint8Array, table: string): ReadonlySet<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ports = new Set<number>();
  for (let at = 0; at < bytes.length;) {
    need(at, HEADER, bytes.length);
    const length = view.getUint32(at, true);
    if (length < HEADER) throw new RangeError("cut short");
    need(at, length, bytes.length);
    const port = view.getUint32(at + 12, true);
    if (!ports.has(port) && tableOf(view, at, at + length) === table) ports.add(port);
    at += align(length);
  }
  return ports;
}

function tableOf(view: DataView, at: number, end: number): string | undefined {
  const type = view.getUint16(at + 4, true);
  if (type >> 8 !== N.SUBSYSTEM || (type & 0xff) === N.MSG.newGeneration) return undefined;
  let name: string | undefined;
  eachAttribute(view, at + HEADER + N.NFGENMSG, end, (attribute, from, to) => {
    if (attribute === TABLE_NAME) name = textAt(view, from, to);
  });
  return name;
}
