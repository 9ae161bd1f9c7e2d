// What others do in a namespace, as an async iterable. Decides nothing: a reader that sees an `overrun` observes everything again.
import type { UnavailableError } from "../../base/errors.ts";
import { RTMGRP_ALL } from "../../core/netlink/constants.ts";
import { decodeMessages, type Message } from "../../core/netlink/decode.ts";
import type { Notification } from "../../core/netlink/types.ts";
import type { Channel, ChannelListener, NativePipe } from "./native-pipe.ts";

/** More waiting than this and the reader does better to observe everything again. */
const MOST_WAITING = 100_000;

type Inbox = {
  waiting: Notification[];
  failure: UnavailableError | undefined;
  wake: () => void;
};

/** Until `signal` aborts. UnavailableError `NETNS_GONE`, `NETLINK_OPEN`; the iterable ends with `NATIVE_DIED`. */
export async function notifications(
  pipe: NativePipe,
  netns: string,
  signal: AbortSignal,
): Promise<AsyncIterable<readonly Notification[]>> {
  const inbox: Inbox = { waiting: [], failure: undefined, wake: () => undefined };
  const channel = await pipe.openChannel(netns, RTMGRP_ALL, listen(inbox));
  return read(inbox, channel, signal);
}

async function* read(
  inbox: Inbox,
  channel: Channel,
  signal: AbortSignal,
): AsyncGenerator<readonly Notification[]> {
  const onAbort = (): void => {
    inbox.wake();
  };
  signal.addEventListener("abort", onAbort);
  try {
    for (;;) {
      await somethingHappens(inbox, signal);
      if (signal.aborted) return;
      if (inbox.failure) throw inbox.failure;
      const ready = inbox.waiting;
      inbox.waiting = [];
      yield ready;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    channel.close();
  }
}

function listen(inbox: Inbox): ChannelListener {
  const push = (more: readonly Notification[]): void => {
    if (inbox.waiting.length > MOST_WAITING) inbox.waiting = [{ kind: "overrun" }];
    else for (const each of more) inbox.waiting.push(each);
    inbox.wake();
  };
  return {
    datagram: (bytes) => {
      push(decodeMessages(bytes).flatMap(notificationOf));
    },
    overrun: () => {
      push([{ kind: "overrun" }]);
    },
    failed: (error) => {
      inbox.failure = error;
      inbox.wake();
    },
  };
}

/** What cannot be read may have been anything: as good as lost. */
function notificationOf(message: Message): Notification[] {
  if (message.kind === "object") return [message.object];
  return message.kind === "malformed" ? [{ kind: "overrun" }] : [];
}

const somethingHappens = (inbox: Inbox, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    inbox.wake = resolve;
    if (inbox.waiting.length > 0 || inbox.failure || signal.aborted) resolve();
  });
