// The write that takes another one back, given the state before it.
import type { IpamState } from "../../core/ipam/state.ts";
import type { Write } from "../../core/ipam/types.ts";
import { formatCidr } from "../../core/net/cidr.ts";

/** Call before `write` is applied. */
export function inverseOf(state: IpamState, write: Write): Write {
  switch (write.kind) {
    case "put-topology":
      return { kind: "put-topology", topology: state.topology };
    case "put-host":
      return hostWrite(state, write.host.name);
    case "delete-host":
      return hostWrite(state, write.name);
    case "put-block": {
      const block = state.blocks.get(formatCidr(write.block.cidr))?.block;
      return block ? { kind: "put-block", block } : { kind: "delete-block", cidr: write.block.cidr };
    }
    case "delete-block": {
      const block = state.blocks.get(formatCidr(write.cidr))?.block;
      return block ? { kind: "put-block", block } : write;
    }
    case "put-address":
      return addressWrite(state, write.address.name);
    case "delete-address":
      return addressWrite(state, write.name);
    case "put-blackout": {
      const blackout = state.blackouts.get(formatCidr(write.blackout.cidr));
      return blackout
        ? { kind: "put-blackout", blackout }
        : { kind: "delete-blackout", cidr: write.blackout.cidr };
    }
    case "delete-blackout": {
      const blackout = state.blackouts.get(formatCidr(write.cidr));
      return blackout ? { kind: "put-blackout", blackout } : write;
    }
    case "bump-guard":
      return write;
  }
}

function hostWrite(state: IpamState, name: string): Write {
  const host = state.hosts.get(name);
  return host ? { kind: "put-host", host } : { kind: "delete-host", name };
}

function addressWrite(state: IpamState, name: string): Write {
  const address = state.addresses.get(name);
  return address ? { kind: "put-address", address } : { kind: "delete-address", name };
}
