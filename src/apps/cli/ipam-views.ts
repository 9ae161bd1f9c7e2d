// How the things of `romana ipam` look in a table.
import type { FindingReply } from "../../core/api/ipam.ts";
import type { Column } from "./output.ts";

/** Keys as `romana store` shows them: the prefix that all have says nothing. */
const keyText = (key: string): string => key.replace(/^\/romana\/v3\//, "");

export const findingColumns: readonly Column<FindingReply>[] = [
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
