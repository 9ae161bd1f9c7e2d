// One namespace's kernel over netlink: dumps, and changes in few sends. Decides nothing about their content.
import { UnavailableError } from "../../base/errors.ts";
import { NETLINK_ROUTE, NLM_F } from "../../core/netlink/constants.ts";
import { decodeObject, type KernelObject } from "../../core/netlink/decode.ts";
import { type Dump, encodeChange, encodeDump } from "../../core/netlink/encode.ts";
import type { Change, Link } from "../../core/netlink/types.ts";
import { createWriter } from "../../core/netlink/writer.ts";
import { type Line, openLine } from "./conversation.ts";
import type { ChangeResult, Kernel } from "./kernel.ts";
import { errnoName, type NativePipe } from "./native-pipe.ts";
import { notifications } from "./notifications.ts";

/** A send of this size is one system call in the kernel; much larger ones delay everybody else's. */
const SEND_BYTES = 128 << 10;
const DUMP_ATTEMPTS = 8;
const DONE: ChangeResult = { kind: "done" };

/** UnavailableError `NETNS_GONE`, `NETLINK_OPEN`. */
export async function openKernel(pipe: NativePipe, netns: string): Promise<Kernel> {
  const line = await openLine(pipe, netns, { protocol: NETLINK_ROUTE, decodeObject });
  return {
    links: async () => linksOf(await dump(line, { kind: "links" })),
    link: async (index) => linksOf(await dump(line, { kind: "link", index }))[0],
    addresses: async () =>
      (await dump(line, { kind: "addresses" })).flatMap((object) =>
        object.kind === "address" ? [object.address] : [],
      ),
    rules: async (family) =>
      (await dump(line, { kind: "rules", family })).flatMap((object) =>
        object.kind === "rule" ? [object.rule] : [],
      ),
    routes: async (family, table) =>
      (await dump(line, { kind: "routes", family, table })).flatMap((object) =>
        object.kind === "route" ? [object.route] : [],
      ),
    apply: (changes) => (changes.length === 0 ? Promise.resolve([]) : applyAll(line, changes)),
    notifications: (signal) => notifications(pipe, netns, signal),
    readFile: (path) => pipe.readFile(netns, path),
    writeFile: (path, text) => pipe.writeFile(netns, path, text),
    close: async () => {
      line.channel.close();
    },
  };
}

const linksOf = (objects: readonly KernelObject[]): Link[] =>
  objects.flatMap((object) => (object.kind === "link" ? [object.link] : []));

async function dump(line: Line<KernelObject>, what: Dump): Promise<KernelObject[]> {
  for (let attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
    const objects = await dumpOnce(line, what);
    if (objects) return objects;
  }
  throw new UnavailableError({ code: "NETLINK_DUMP_INTERRUPTED", what: what.kind, attempts: DUMP_ATTEMPTS });
}

/** `undefined`: the table changed under way, ask again. */
function dumpOnce(line: Line<KernelObject>, what: Dump): Promise<KernelObject[] | undefined> {
  return line.converse<KernelObject[] | undefined>(1, (sequence, { resolve, reject }) => {
    const objects: KernelObject[] = [];
    let interrupted = false;
    // A table that was never used does not exist (ENOENT), nor does a link that is gone (ENODEV): nothing is there.
    const finish = (errno: number): void => {
      if (errno !== 0 && !["ENOENT", "ENODEV"].includes(errnoName(errno)))
        reject(new UnavailableError({ code: "NETLINK_DUMP", what: what.kind, errno: errnoName(errno) }));
      else resolve(interrupted ? undefined : objects);
    };
    const writer = createWriter(64);
    encodeDump(writer, what, sequence);
    line.channel.send(writer.take());
    return (message) => {
      if (message.kind === "object") objects.push(message.object);
      if (message.kind === "object" || message.kind === "done") interrupted ||= message.interrupted;
      if (message.kind === "error" || message.kind === "done") finish(message.errno);
    };
  });
}

/** The kernel answers a failed message always, a good one only where an acknowledgement was asked: so the last alone asks. */
function applyAll(line: Line<KernelObject>, changes: readonly Change[]): Promise<ChangeResult[]> {
  return line.converse<ChangeResult[]>(changes.length, (first, { resolve }) => {
    const results: ChangeResult[] = changes.map(() => DONE);
    const last = first + changes.length - 1;
    const writer = createWriter(Math.min(SEND_BYTES + 1024, 256 * changes.length));
    changes.forEach((change, i) => {
      encodeChange(writer, change, first + i, first + i === last ? NLM_F.ack : 0);
      if (writer.size() >= SEND_BYTES || i === changes.length - 1) line.channel.send(writer.take());
    });
    return (message) => {
      if (message.kind !== "error") return;
      if (message.errno !== 0) results[message.sequence - first] = failedResult(message.errno, message.text);
      if (message.sequence === last) resolve(results);
    };
  });
}

function failedResult(errno: number, text: string): ChangeResult {
  const code = errnoName(errno);
  return { kind: "failed", errno, code, message: text === "" ? code : text };
}
