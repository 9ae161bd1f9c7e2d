// What others do in a namespace, as an async iterable. Decides nothing: a reader that sees an `overrun` observes everything again.
import type { UnavailableError } from "../../base/errors.ts";
import { NETLINK_ROUTE, RTMGRP_ALL } from "../../core/netlink/constants.ts";
import { decodeMessages, type Message } from "../../core/netlink/decode.ts";
import type { Notification } from "../../core/netlink/types.ts";
import type { Channel, ChannelListener, NativePipe } from "./native-pipe.ts";

/** More waiting than this and the reader does better to observe everything again. */
const MOST_WAITING = 100_000;

type Inbox = {
  waiting: Notification[];
  /** Some were lost: what waits is of no use. */
  overrun: boolean;
  failure: UnavailableError | undefined;
  wake: () => void;
};

/** Until `signal` aborts. UnavailableError `NETNS_GONE`, `NETLINK_OPEN`; the iterable ends with `NATIVE_DIED`. */
export async function notifications(
  pipe: NativePipe,
  netns: string,
  signal: AbortSignal,
): Promise<AsyncIterable<readonly Notification[]>> {
  const inbox: Inbox = { waiting: [], overrun: false, failure: undefined, wake: () => undefined };
  const open = (): Promise<Channel> =>
    pipe.openChannel(netns, { protocol: NETLINK_ROUTE, groups: RTMGRP_ALL }, listen(inbox));
  return read(inbox, await open(), open, signal);
}

async function* read(
  inbox: Inbox,
  first: Channel,
  open: () => Promise<Channel>,
  signal: AbortSignal,
): AsyncGenerator<readonly Notification[]> {
  let channel = first;
  const onAbort = (): void => {
    inbox.wake();
  };
  signal.addEventListener("abort", onAbort);
  try {
    for (;;) {
      await somethingHappens(inbox, signal);
      if (signal.aborted) return;
      if (inbox.failure) throw inbox.failure;
      if (inbox.overrun) {
        // Another socket: megabytes of old news in this one would keep the reader from looking for seconds.
        channel.close();
        channel = await open();
        Object.assign(inbox, { waiting: [], overrun: false });
        yield [{ kind: "overrun" }];
      } else {
        const ready = inbox.waiting;
        inbox.waiting = [];
        yield ready;
      }
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    channel.close();
  }
}

function listen(inbox: Inbox): ChannelListener {
  return {
    datagram: (bytes) => {
      if (inbox.overrun) return;
      for (const message of decodeMessages(bytes)) take(inbox, message);
      if (inbox.waiting.length > MOST_WAITING) inbox.overrun = true;
      inbox.wake();
    },
    overrun: () => {
      inbox.overrun = true;
      inbox.wake();
    },
    failed: (error) => {
      inbox.failure = error;
      inbox.wake();
    },
  };
}

/** What cannot be read may have been anything: as good as lost. */
function take(inbox: Inbox, message: Message): void {
  if (message.kind === "object") inbox.waiting.push(message.object);
  else if (message.kind === "malformed") inbox.overrun = true;
}

const somethingHappens = (inbox: Inbox, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    inbox.wake = resolve;
    if (inbox.waiting.length > 0 || inbox.overrun || inbox.failure || signal.aborted) resolve();
  });
