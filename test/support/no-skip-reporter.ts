// A test reporter that prints nothing but the tests that were skipped, and fails the run for them in CI.
import type { TestEvent } from "node:test/reporters";

export default async function* noSkip(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== "test:pass" || event.data.skip === undefined) continue;
    yield `SKIPPED ${event.data.file ?? ""} ${event.data.name}: ${String(event.data.skip)}\n`;
    if (process.env["CI"] !== undefined) process.exitCode = 1;
  }
}
