// Waiting in tests that use a real kernel or real processes: a condition becomes true soon, or the test fails with the last reason.
import { setTimeout as delay } from "node:timers/promises";
/** Calls `check` until it does not throw; its result, or its last error once the time is over. */
export async function eventually(check, { within = 5000, every = 20 } = {}) {
    const end = performance.now() + within;
    for (;;) {
        try {
            return await check();
        }
        catch (error) {
            if (performance.now() >= end)
                throw error;
        }
        await delay(every);
    }
}
