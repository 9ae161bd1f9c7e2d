// nftables of one namespace in memory: keeps what batches make, and fails when told to.
import { UnavailableError } from "../../src/base/errors.ts";
import type { NftChange } from "../../src/core/nft/plan.ts";
import { chainForm, type Observed, type Standing } from "../../src/core/nft/standing.ts";
import type { Element, NftSet } from "../../src/core/nft/types.ts";
import { keyText } from "../../src/core/nft/key-text.ts";
import type { Nftables } from "../../src/io/kernel/nftables.ts";

export interface FakeNftables extends Pick<Nftables, "observe" | "apply" | "check"> {
  /** What is there. Set by a test: what somebody else made of it. */
  observed: Observed;
  /** Batches that were done. */
  readonly batches: (readonly NftChange[])[];
  looks: number;
  /** The code that a batch fails with, before it is done or after; `undefined`: it does not. */
  fault: (changes: readonly NftChange[]) => { code: string; isDone?: boolean } | undefined;
  /** Answers wait for it. */
  hold: Promise<void>;
}

export function createFakeNftables(): FakeNftables {
  const fail = (code: string): never => {
    throw new UnavailableError({ code, errno: "EOPNOTSUPP" });
  };
  const fake: FakeNftables = {
    observed: { kind: "none" },
    batches: [],
    looks: 0,
    fault: () => undefined,
    hold: Promise.resolve(),
    observe: async () => {
      fake.looks++;
      return fake.observed;
    },
    check: async (changes) => {
      const fault = fake.fault(changes);
      if (fault) fail(fault.code);
    },
    apply: async (changes) => {
      await fake.hold;
      const fault = fake.fault(changes);
      if (fault && !fault.isDone) fail(fault.code);
      fake.observed = { kind: "ours", standing: after(fake.observed, changes) };
      fake.batches.push(changes);
      if (fault) fail(fault.code);
    },
  };
  return fake;
}

function after(before: Observed, changes: readonly NftChange[]): Standing {
  const { sets: oldSets, chains: oldChains } =
    before.kind === "ours"
      ? before.standing
      : { sets: new Map<string, NftSet>(), chains: new Map<string, string>() };
  const [sets, chains] = [new Map(oldSets), new Map(oldChains)];
  const elements = ({ name }: NftSet, change: (of: Map<string, Element>) => void): void => {
    const set = sets.get(name);
    if (!set) throw new Error(`no set ${name}`);
    const list = new Map(set.elements);
    change(list);
    sets.set(name, { ...set, elements: list });
  };
  for (const change of changes)
    switch (change.kind) {
      case "table-add":
        break;
      case "table-delete":
        sets.clear();
        chains.clear();
        break;
      case "set-add":
        sets.set(change.set.name, { ...change.set, elements: new Map() });
        break;
      case "set-delete":
        sets.delete(change.set.name);
        break;
      case "chain-add":
      case "rules-add":
        chains.set(change.chain.name, change.kind === "rules-add" ? chainForm(change.chain) : "");
        break;
      case "rules-delete":
        chains.set(change.chain, "");
        break;
      case "chain-delete":
        chains.delete(change.chain);
        break;
      case "elements-flush":
        elements(change.set, (list) => list.clear());
        break;
      case "elements-add":
        elements(change.set, (list) => {
          for (const each of change.elements) list.set(keyText(each.key), each);
        });
        break;
      case "elements-delete":
        elements(change.set, (list) => {
          for (const each of change.elements) list.delete(keyText(each.key));
        });
    }
  return { sets, chains };
}
