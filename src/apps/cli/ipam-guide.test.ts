import { executedGuide, type GuideEvent } from "../../../test/support/guide.ts";
import type { HostReportReply } from "../../core/api/types.ts";

const MINUTE = 60_000;

/** The agent of node-1, which has followed the store up to now, knows of no pod. */
const reportNone: GuideEvent = async ({ call }) => {
  const { cluster, revision } = (await call("POST /hosts/node-1/report", { endpoints: [] }))
    .body as HostReportReply;
  await call("POST /hosts/node-1/report", { endpoints: [], in_hand: [], seen: { cluster, revision } });
};
const reportNoneLater: GuideEvent = async (guide) => {
  guide.passes(16 * MINUTE);
  await reportNone(guide);
};
/** The agent of node-1 has followed a store that was there before. */
const showLoss: GuideEvent = async ({ call }) => {
  await call("POST /hosts/node-1/report", { endpoints: [], seen: { cluster: "before", revision: 9000 } });
};

await executedGuide("ipam.md", 14, {
  "ipam check": [async () => undefined, reportNone],
  "ipam gc": [async () => undefined, reportNoneLater],
  "ipam adopt": [showLoss],
});
