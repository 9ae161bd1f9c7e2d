// The reply to `show protocols`, read.

export type BirdProtocol = {
  readonly name: string;
  /** Of a session: "Established", or what it is at, as "Active", with the last error. */
  readonly info: string;
};

/** Name, kind, table, state, since (a time of day, a date, or both), info; after a line of headings. */
const PROTOCOL = /^(\S+)\s+\S+\s+\S+\s+\S+\s+\S+(?:\s+\d\d:\d\d:\d\d\S*)?\s*(.*)$/;

export const readProtocols = (lines: readonly string[]): BirdProtocol[] =>
  lines.slice(1).flatMap((line) => {
    const [, name, info = ""] = PROTOCOL.exec(line) ?? [];
    return name === undefined ? [] : [{ name, info: info.trim() }];
  });
