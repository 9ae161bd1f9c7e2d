// The response that a watcher's lines go to. Cuts off who reads nothing: bookmarks go on being written to him, so no silence tells of it.
import type { ServerResponse } from "node:http";
import { type Clock, Seconds } from "../../../base/clock.ts";
import type { WatchSink } from "./watch-hub.ts";

/** As long as any other connection may be silent. */
const STALLED = Seconds(60);

export function createWatchSink(raw: ServerResponse, clock: Clock): WatchSink {
  /** When something last went out whole while something waited. */
  let movedAt = clock.monotonic();
  const moved = (): void => void (movedAt = clock.monotonic());
  return {
    write(chunk) {
      if (raw.writableLength === 0) moved();
      if (clock.monotonic() - movedAt > STALLED) raw.destroy();
      else raw.write(chunk, moved);
    },
    pending: () => raw.writableLength,
    end: (cut) => void (cut ? raw.destroy() : raw.end()),
  };
}
