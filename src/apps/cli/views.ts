// How each thing of the API looks in a table: one list of columns a thing.
import type {
  AddressReply,
  BlockReply,
  HostReply,
  NetworkReply,
  SegmentList,
  TenantList,
} from "../../core/api/types.ts";
import type { Column } from "./output.ts";

const pairs = (record: Readonly<Record<string, string>>): string =>
  Object.entries(record)
    .map(([key, value]) => `${key}=${value}`)
    .join(",") || "-";
const list = (values: readonly string[], none = "-"): string => values.join(", ") || none;

export const hostColumns: readonly Column<HostReply>[] = [
  ["Host", ({ name }) => name],
  ["Addresses", ({ ips, ip }) => list(ips.length > 0 ? ips : [ip])],
  ["Groups", ({ groups }) => list(groups.map((group) => (group === null ? "none" : group || "/")))],
  ["Agent port", ({ agent_port }) => agent_port],
  ["Labels", ({ tags }) => pairs(tags)],
];

export const networkColumns: readonly Column<NetworkReply>[] = [
  ["Network", ({ name }) => name],
  ["CIDR", ({ cidr }) => cidr],
  ["Block mask", ({ block_mask }) => block_mask],
  ["Tenants", ({ tenants }) => list(tenants, "all")],
  ["State", ({ drained }) => (drained ? "drained" : "open")],
  ["Blocks", ({ blocks }) => blocks],
  ["Addresses", ({ allocated_ip_count }) => allocated_ip_count],
];

export const blockColumns: readonly Column<BlockReply>[] = [
  ["Block", ({ cidr }) => cidr],
  ["Host", ({ host }) => host],
  ["Tenant", ({ tenant }) => tenant],
  ["Segment", ({ segment }) => segment],
  ["Network", ({ network }) => network],
  ["Group", ({ group }) => group || "/"],
  ["Addresses", ({ allocated_ip_count }) => allocated_ip_count],
];

export const addressColumns: readonly Column<AddressReply>[] = [
  ["Address", ({ ips }) => list(ips)],
  ["Name", ({ name }) => name],
  ["Host", ({ host }) => host],
  ["Tenant", ({ tenant }) => tenant],
  ["Segment", ({ segment }) => segment],
  ["Pod", ({ pod }) => pod ?? "-"],
];

export const tenantColumns: readonly Column<TenantList["tenants"][number]>[] = [
  ["Tenant", ({ id }) => id],
  ["Segments", ({ segments }) => list(segments)],
  ["Blocks", ({ blocks }) => blocks],
  ["Addresses", ({ allocated_ip_count }) => allocated_ip_count],
];

export const segmentColumns: readonly Column<SegmentList["segments"][number] & { tenant: string }>[] = [
  ["Segment", ({ id }) => id],
  ["Tenant", ({ tenant }) => tenant],
  ["Blocks", ({ blocks }) => blocks],
  ["Addresses", ({ allocated_ip_count }) => allocated_ip_count],
];
