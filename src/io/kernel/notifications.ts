// What others do in a namespace, as an async iterable. Decides nothing: a reader that sees an `overrun` observes everything again.
import type { UnavailableError } from "../../base/errors.ts";
import { RTMGRP_ALL } from "../../core/netlink/constants.ts";
import { decodeMessages, type Message } from "../../core/netlink/decode.ts";
import type { Notification } from "../../core/netlink/types.ts";
import type { ChannelListener, NativePipe } from "./native-pipe.ts";

/** More waiting than this and the reader does better to observe everything again. */
const MOST_WAITING = 100_000;

type Inbox = {
  waiting: Notification[];
  failure: UnavailableError | undefined;
  wake: () => void;
};

/** Until `signal` aborts. UnavailableError `NETNS_GONE`, `NETLINK_OPEN`, `NATIVE_DIED`. */
export async function* notifications(
  pipe: NativePipe,
  netns: string,
  signal: AbortSignal,
): AsyncGenerator<Notification> {
  const inbox: Inbox = { waiting: [], failure: undefined, wake: () => undefined };
  const channel = await pipe.openChannel(netns, RTMGRP_ALL, listen(inbox));
  const onAbort = (): void => {
    inbox.wake();
  };
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      const ready = inbox.waiting;
      inbox.waiting = [];
      yield* ready;
      if (inbox.failure) throw inbox.failure;
      await somethingHappens(inbox, signal);
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    channel.close();
  }
}

function listen(inbox: Inbox): ChannelListener {
  const push = (more: readonly Notification[]): void => {
    if (inbox.waiting.length > MOST_WAITING) inbox.waiting = [{ kind: "overrun" }];
    else inbox.waiting.push(...more);
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
