import { daemonOptions } from "../../src/apps/daemon/config.js";
import { createDaemon } from "../../src/apps/daemon/wire.js";
import { systemClock, systemRng } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import { readOptions } from "../../src/base/options.js";
import { createMemoryStore } from "../../src/io/store/memory-store.js";
/** Two racks, dual stack. */
export const twoRacks = {
    networks: [
        { name: "v4", cidr: "10.0.0.0/16" },
        { name: "v6", cidr: "fd00::/64" },
    ],
    topologies: [
        {
            networks: ["v4", "v6"],
            map: [
                { name: "rack-a", assignment: { rack: "a" }, groups: [] },
                { name: "rack-b", assignment: { rack: "b" }, groups: [] },
            ],
        },
    ],
};
export async function startDaemon({ argv = ["--new-cluster"], clock = systemClock, store = createMemoryStore({ clock }), log = silentLog, reviews, } = {}) {
    const config = readOptions(daemonOptions, { argv, env: {}, envPrefix: "TEST" });
    const running = await createDaemon(config, store, { clock, rng: systemRng, log, reviews });
    return { ...running, call: caller(running.app) };
}
function caller(app) {
    return async (route, body) => {
        const [method = "", url = ""] = route.split(" ", 2);
        const isRaw = typeof body === "string" || Buffer.isBuffer(body);
        const payload = body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body), headers: JSON_TYPE };
        const reply = await app.inject({ method: method, url, ...payload });
        return { status: reply.statusCode, body: reply.json() };
    };
}
const JSON_TYPE = { "content-type": "application/json" };
