// What a container runtime asks of the plugin on a node, and expects: success, or a refusal with its code and its words.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { AddressList, AddressReply } from "../../src/core/api/types.ts";
import type { CniCall, CniOutput } from "./cni-plugin.ts";
import type { TestNode } from "./node.ts";

export interface Runtime {
  readonly add: (call: CniCall) => Promise<CniOutput>;
  /** A command that prints nothing. */
  readonly done: (command: string, call: CniCall) => Promise<void>;
  readonly refused: (command: string, call: CniCall, code: number, says: RegExp) => Promise<void>;
  /** Pings each. */
  readonly reaches: (from: string, ips: readonly string[]) => Promise<void>;
  /** What the daemon has given out. */
  readonly addresses: () => Promise<readonly AddressReply[]>;
  readonly links: (netns: string) => Promise<string[]>;
  /** The pods' interfaces on the node. */
  readonly podLinks: () => Promise<string[]>;
  /** No address, interface, file or route of any pod. */
  readonly nothingLeft: () => Promise<void>;
}

export const ipsOf = ({ ips }: CniOutput): string[] => ips.map(({ address }) => address.split("/")[0] ?? "");

// long: the object that is the runtime
export function runtimeOf(node: () => TestNode): Runtime {
  const runtime: Runtime = {
    add: async (call) => {
      const { code, json } = await node().cni("ADD", call);
      assert.equal(code, 0, JSON.stringify(json));
      assert.ok(json);
      return json;
    },
    done: async (command, call) => {
      const { code, json } = await node().cni(command, call);
      assert.deepEqual([code, json], [0, undefined]);
    },
    refused: async (command, call, code, says) => {
      const { code: exit, json } = await node().cni(command, call);
      assert.deepEqual([exit, json?.code], [1, code], JSON.stringify(json));
      assert.match(`${json?.msg}; ${json?.details ?? ""}`, says);
    },
    reaches: async (from, ips) => {
      for (const ip of ips) {
        const { code, stdout } = await node().run(["ping", "-n", "-c1", "-W5", ip], from);
        assert.equal(code, 0, `${ip}: ${stdout}`);
      }
    },
    addresses: async () => (await node().get<AddressList>("/addresses")).addresses,
    links: async (netns) => {
      const { stdout } = await node().run(["ip", "-json", "link"], netns);
      return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname);
    },
    podLinks: async () => (await runtime.links(node().netns)).filter((name) => name.startsWith("rom")),
    nothingLeft: async () => {
      const { bed, netns } = node();
      const files = readdirSync(join(bed.dir, "state/endpoints"));
      assert.deepEqual([await runtime.addresses(), await runtime.podLinks(), files], [[], [], []]);
      const { stdout } = await node().run(["ip", "-json", "route", "show", "table", "10"], netns);
      const pods = (JSON.parse(stdout) as { dev?: string }[]).filter(({ dev }) => dev?.startsWith("rom"));
      assert.deepEqual(pods, []);
    },
  };
  return runtime;
}
