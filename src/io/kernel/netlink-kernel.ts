// One namespace's kernel over netlink channels: dumps, changes in few sends, notifications. Decides nothing about their content.
import { UnavailableError } from "../../base/errors.ts";
import { NLM_F, RTMGRP_ALL } from "../../core/netlink/constants.ts";
import { decodeMessages, type Message } from "../../core/netlink/decode.ts";
import { type Dump, encodeChange, encodeDump } from "../../core/netlink/encode.ts";
import type { Change, Notification } from "../../core/netlink/types.ts";
import { createWriter } from "../../core/netlink/writer.ts";
import type { ChangeResult, Kernel } from "./kernel.ts";
import { type Channel, type ChannelListener, errnoName, type NativePipe } from "./native-helper.ts";

/** A send of this size is one system call in the kernel; much larger ones delay everybody else's. */
const SEND_BYTES = 128 << 10;
const DUMP_ATTEMPTS = 8;

type Decoded = Exclude<Notification, { kind: "overrun" }>;
/** The request under way: hears messages until it is done. */
type Conversation = { hear(message: Message): void; fail(error: UnavailableError): void };

export async function openKernel(pipe: NativePipe, netns: string): Promise<Kernel> {
  let conversation: Conversation | undefined;
  let broken: UnavailableError | undefined;
  const fail = (error: UnavailableError): void => {
    broken = error;
    conversation?.fail(error);
  };
  const channel = await pipe.openChannel(netns, 0, {
    datagram: (bytes) => {
      for (const message of decodeMessages(bytes)) conversation?.hear(message);
    },
    overrun: () => {
      fail(new UnavailableError({ code: "NETLINK_OVERRUN", netns }));
    },
    failed: fail,
  });
  let last: Promise<unknown> = Promise.resolve();
  let sequence = 1;
  /** One conversation at a time: the kernel refuses a second dump on a socket. */
  const converse = <T>(
    talk: (first: number, use: (c: Conversation) => void) => Promise<T>,
    sequences: number,
  ): Promise<T> => {
    const result = last.then(async () => {
      if (broken) throw broken;
      const first = sequence;
      sequence += sequences;
      return talk(first, (c) => {
        conversation = c;
      }).finally(() => {
        conversation = undefined;
      });
    });
    last = result.catch(() => undefined);
    return result;
  };
  const dump = async (what: Dump): Promise<Decoded[]> => {
    for (let attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
      const objects = await converse((first, use) => dumpOnce(channel, what, first, use), 1);
      if (objects) return objects;
    }
    throw new UnavailableError({ code: "NETLINK_DUMP_INTERRUPTED", what: what.kind, netns });
  };
  return {
    links: async () =>
      (await dump({ kind: "links" })).flatMap((object) => (object.kind === "link" ? [object.link] : [])),
    addresses: async () =>
      (await dump({ kind: "addresses" })).flatMap((object) =>
        object.kind === "address" ? [object.address] : [],
      ),
    rules: async (family) =>
      (await dump({ kind: "rules", family })).flatMap((object) =>
        object.kind === "rule" ? [object.rule] : [],
      ),
    routes: async (family, table) =>
      (await dump({ kind: "routes", family, table })).flatMap((object) =>
        object.kind === "route" ? [object.route] : [],
      ),
    apply: (changes) =>
      changes.length === 0
        ? Promise.resolve([])
        : converse((first, use) => applyAll(channel, changes, first, use), changes.length),
    notifications: (signal) => notifications(pipe, netns, signal),
    close: async () => {
      channel.close();
    },
  };
}

/** `undefined`: the table changed under way, ask again. */
function dumpOnce(
  channel: Channel,
  what: Dump,
  sequence: number,
  use: (c: Conversation) => void,
): Promise<Decoded[] | undefined> {
  return new Promise((resolve, reject) => {
    const objects: Decoded[] = [];
    let interrupted = false;
    use({
      hear: (message) => {
        if (message.sequence !== sequence) return;
        if (message.kind === "object") objects.push(message.object);
        if (message.kind === "object" || message.kind === "done") interrupted ||= message.interrupted;
        if (message.kind === "error" || message.kind === "done") finish(message.errno);
      },
      fail: reject,
    });
    // A table that was never used does not exist: ENOENT means that it is empty.
    const finish = (errno: number): void => {
      if (errno !== 0 && errnoName(errno) !== "ENOENT")
        reject(new UnavailableError({ code: "NETLINK_DUMP", what: what.kind, errno: errnoName(errno) }));
      else resolve(interrupted ? undefined : objects);
    };
    const writer = createWriter(64);
    encodeDump(writer, what, sequence);
    channel.send(writer.take());
  });
}

/** The kernel answers a failed message always, a good one only where an acknowledgement was asked: so the last alone asks. */
function applyAll(
  channel: Channel,
  changes: readonly Change[],
  first: number,
  use: (c: Conversation) => void,
): Promise<ChangeResult[]> {
  return new Promise((resolve, reject) => {
    const results: ChangeResult[] = changes.map(() => ({ kind: "done" }));
    const last = first + changes.length - 1;
    use({
      hear: (message) => {
        if (message.kind !== "error" || message.sequence < first || message.sequence > last) return;
        if (message.errno !== 0)
          results[message.sequence - first] = failedResult(message.errno, message.text);
        if (message.sequence === last) resolve(results);
      },
      fail: reject,
    });
    const writer = createWriter(Math.min(SEND_BYTES + 1024, 256 * changes.length));
    changes.forEach((change, i) => {
      encodeChange(writer, change, first + i, first + i === last ? NLM_F.ack : 0);
      if (writer.size() >= SEND_BYTES || i === changes.length - 1) channel.send(writer.take());
    });
  });
}

function failedResult(errno: number, text: string): ChangeResult {
  const code = errnoName(errno);
  return { kind: "failed", errno, code, message: text === "" ? code : text };
}

/** Buffered without loss; a buffer of more than the most is an overrun, at which the reader observes everything again. */
async function* notifications(
  pipe: NativePipe,
  netns: string,
  signal: AbortSignal,
): AsyncGenerator<Notification> {
  const most = 100_000;
  let waiting: Notification[] = [];
  let failure: UnavailableError | undefined;
  let wake: () => void = () => undefined;
  const push = (...more: Notification[]): void => {
    if (waiting.length > most) waiting = [{ kind: "overrun" }];
    else waiting.push(...more);
    wake();
  };
  const listener: ChannelListener = {
    datagram: (bytes) => {
      push(
        ...decodeMessages(bytes).flatMap((message) => (message.kind === "object" ? [message.object] : [])),
      );
    },
    overrun: () => {
      push({ kind: "overrun" });
    },
    failed: (error) => {
      failure = error;
      wake();
    },
  };
  const channel = await pipe.openChannel(netns, RTMGRP_ALL, listener);
  const onAbort = (): void => {
    wake();
  };
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      const ready = waiting;
      waiting = [];
      yield* ready;
      if (failure) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (waiting.length > 0 || failure || signal.aborted) resolve();
      });
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    channel.close();
  }
}
