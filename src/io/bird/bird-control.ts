// BIRD's control socket: one connection a command. Says what BIRD said, and decides nothing.
import { createConnection, type Socket } from "node:net";
import { UnavailableError } from "../../base/errors.ts";
import { type BirdProtocol, readProtocols } from "./read-protocols.ts";

export interface BirdControl {
  /** Makes BIRD read its configuration; why it will not, or `undefined`. */
  configure(): Promise<string | undefined>;
  protocols(): Promise<BirdProtocol[]>;
}

/** The first that has all that is written for it. */
const OLDEST = [2, 0, 12] as const;
const TIMEOUT = 5000;
const MAX_REPLY = 16 << 20;
/** Codes of what BIRD did (0xxx), showed (1xxx, 2xxx) and refused (8xxx, 9xxx). */
const REFUSED = 8000;

/** UnavailableError `BIRD_SOCKET` (cannot be reached, or went away), `BIRD_SILENT`, `BIRD_GARBAGE`, `BIRD_OLD`. */
export function createBirdControl(path: string): BirdControl {
  return {
    async configure() {
      const { code, lines } = await ask(path, "configure");
      return code < REFUSED ? undefined : (lines.at(-1) ?? `code ${code}`);
    },
    protocols: async () => readProtocols((await ask(path, "show protocols")).lines),
  };
}

type Reply = { readonly code: number; readonly lines: readonly string[] };

async function ask(path: string, command: string): Promise<Reply> {
  const socket = createConnection({ path });
  socket.setTimeout(TIMEOUT, () =>
    socket.destroy(new UnavailableError({ code: "BIRD_SILENT", socket: path })),
  );
  try {
    const replies = readReplies(socket, path);
    refuseOlder(await nextReply(replies, path), path);
    socket.write(`${command}\n`);
    return await nextReply(replies, path);
  } catch (cause) {
    if (cause instanceof UnavailableError) throw cause;
    throw new UnavailableError({ code: "BIRD_SOCKET", socket: path, error: String(cause) }, { cause });
  } finally {
    socket.destroy();
  }
}

async function nextReply(replies: AsyncGenerator<Reply, undefined>, path: string): Promise<Reply> {
  const next: IteratorResult<Reply, undefined> = await replies.next();
  if (next.done) throw new UnavailableError({ code: "BIRD_SOCKET", socket: path, error: "closed by BIRD" });
  return next.value;
}

/** "0001-text" goes on, " text" too with the code of the line before, "0001 text" ends a reply. */
async function* readReplies(socket: Socket, path: string): AsyncGenerator<Reply, undefined> {
  socket.setEncoding("utf8");
  let rest = "";
  let lines: string[] = [];
  for await (const chunk of socket as AsyncIterable<string>) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length + lines.length > MAX_REPLY)
      throw new UnavailableError({ code: "BIRD_GARBAGE", socket: path });
    for (const part of parts) {
      const match = /^(?:(\d{4})([ -])|[ +])(.*)$/.exec(part);
      if (!match) throw new UnavailableError({ code: "BIRD_GARBAGE", socket: path, line: part.slice(0, 80) });
      lines.push(match[3] ?? "");
      if (match[2] !== " ") continue;
      yield { code: Number(match[1]), lines };
      lines = [];
    }
  }
  return undefined;
}

function refuseOlder({ lines: [greeting = ""] }: Reply, path: string): void {
  const match = /^BIRD v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(greeting);
  const version = match?.slice(1).map((part) => Number(part ?? 0));
  if (!version)
    throw new UnavailableError({ code: "BIRD_GARBAGE", socket: path, line: greeting.slice(0, 80) });
  const at = OLDEST.findIndex((part, i) => version[i] !== part);
  if (at >= 0 && (version[at] ?? 0) < (OLDEST[at] ?? 0))
    throw new UnavailableError({ code: "BIRD_OLD", found: greeting, expected: OLDEST.join(".") });
}
