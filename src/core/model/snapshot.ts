// The world as one process sees it at one revision: what mirrors make and what every `desired…` function reads.
import type { Cidr } from "../net/cidr.ts";
import type { Host } from "./records.ts";
import type { Topology } from "./topology.ts";

/** What routing needs of a block: no counts, so that an allocation inside it changes nothing here. */
export type BlockRoute = {
  readonly cidr: Cidr;
  readonly network: string;
  readonly group: string;
  readonly host: string;
  readonly tenant: string;
  readonly segment: string;
};

export type Snapshot = {
  readonly revision: number;
  readonly topology: Topology;
  readonly hosts: ReadonlyMap<string, Host>;
  /** By canonical CIDR text. */
  readonly blocks: ReadonlyMap<string, BlockRoute>;
};

export const emptySnapshot: Snapshot = {
  revision: 0,
  topology: { networks: [], trees: [] },
  hosts: new Map(),
  blocks: new Map(),
};
