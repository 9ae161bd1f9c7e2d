// The reply to `show protocols all`, read.

export type BirdProtocol = {
  readonly name: string;
  /** "BGP", "Static", … */
  readonly kind: string;
  /** Of a session: "Established", or what it is at: "Active", "Connect", with the last error. */
  readonly info: string;
  /** Routes that were exported, over all channels. */
  readonly exported: number;
};

/** Details are indented, a protocol's first line is not. */
export function readProtocols(lines: readonly string[]): BirdProtocol[] {
  const protocols: { name: string; kind: string; info: string; exported: number }[] = [];
  for (const line of lines.slice(1)) {
    // Name, kind, table, state, since (a time of day, or a date), info.
    const match = /^(\S+)\s+(\S+)\s+\S+\s+\S+\s+\S+(?:\s+\d\d:\d\d:\d\d\S*)?\s*(.*)$/.exec(line);
    if (match) {
      const [, name = "", kind = "", info = ""] = match;
      protocols.push({ name, kind, info: info.trim(), exported: 0 });
    }
    const counted = /^\s+Routes:.*?(\d+) exported/.exec(line);
    const last = protocols.at(-1);
    if (counted && last) last.exported += Number(counted[1]);
  }
  return protocols;
}
