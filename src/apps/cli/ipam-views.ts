// How the things of `romana ipam` look in a table.
import type {
  AddressInfo,
  FindingReply,
  GroupUseReply,
  LeakReply,
  TenantUseReply,
} from "../../core/api/ipam.ts";
import type { KubernetesFinding } from "./kubernetes-findings.ts";
import type { Column } from "./output.ts";

/** Keys as `romana store` shows them: the prefix that all have says nothing. */
const keyText = (key: string): string => key.replace(/^\/romana\/v3\//, "");

export const findingColumns: readonly Column<FindingReply | KubernetesFinding>[] = [
  ["Finding", ({ kind }) => kind],
  ["Subject", ({ subject }) => keyText(subject)],
  ["Addresses", ({ ips }) => ips.join(", ") || "-"],
  ["Host", ({ host }) => host ?? "-"],
  ["Since", ({ since }) => since ?? "-"],
  ["Details", ({ details }) => details],
  [
    "Evidence",
    ({ evidence }) => evidence.map(({ key, revision }) => `${keyText(key)}@${revision}`).join(" "),
  ],
];

export const groupUseColumns: readonly Column<GroupUseReply>[] = [
  ["Network", ({ network }) => network],
  ["Group", ({ group }) => group || "/"],
  ["CIDR", ({ cidr }) => cidr],
  ["Blocks", ({ blocks }) => blocks],
  ["Used", ({ used }) => used],
  ["%", ({ percent }) => (percent > 0 && percent < 0.1 ? "<0.1" : percent.toFixed(1))],
  ["Cooling", ({ cooling }) => cooling],
  ["Quarantined", ({ quarantined }) => quarantined],
  ["Reserved", ({ reserved }) => reserved],
  ["Free", ({ free }) => free],
  ["Largest free", ({ largest_free }) => largest_free ?? "-"],
];

export const tenantUseColumns: readonly Column<TenantUseReply>[] = [
  ["Tenant", ({ tenant }) => tenant],
  ["Blocks", ({ blocks }) => blocks],
  ["Used", ({ used }) => used],
  ["Cooling", ({ cooling }) => cooling],
  ["Quarantined", ({ quarantined }) => quarantined],
];

export const leakColumns: readonly Column<LeakReply & { readonly outcome: string }>[] = [
  ["Leak", ({ name }) => name],
  ["Addresses", ({ ips }) => ips.join(", ")],
  ["Host", ({ host }) => host],
  ["Missed since", ({ since }) => since],
  ["Outcome", ({ outcome }) => outcome],
];

export const addressInfoColumns: readonly Column<AddressInfo>[] = [
  ["Address", ({ ip }) => ip],
  ["State", ({ state }) => state],
  // A quarantine is told by its end: the rest that everybody's address has begins there.
  ["Since", ({ state, since = "-" }) => (state === "quarantined" ? `until ${since}` : since)],
  ["Name", ({ name }) => name ?? "-"],
  ["Pod", ({ pod }) => pod ?? "-"],
  ["Sequence", ({ sequence }) => sequence ?? "-"],
  ["Host", ({ host }) => host ?? "-"],
  ["Tenant", ({ tenant }) => tenant ?? "-"],
  ["Segment", ({ segment }) => segment ?? "-"],
  ["Block", ({ block }) => block ?? "-"],
  ["Network", ({ network }) => network ?? "-"],
  ["Group", ({ group }) => (group === undefined ? "-" : group || "/")],
];
