// The write that takes another one back, given the state before it.
import type { IpamState } from "../../core/ipam/state.ts";
import type { Write } from "../../core/ipam/types.ts";
import { type Cidr, formatCidr } from "../../core/net/cidr.ts";

// long: one case a kind of write
/** Call before `write` is applied. */
export function inverseOf(state: IpamState, write: Write): Write {
  switch (write.kind) {
    case "put-topology":
      return { kind: "put-topology", topology: state.topology };
    case "put-host":
      return hostWrite(state, write.host.name);
    case "delete-host":
      return hostWrite(state, write.name);
    case "put-block":
      return blockWrite(state, write.block.cidr);
    case "delete-block":
      return blockWrite(state, write.cidr);
    case "put-address":
      return addressWrite(state, write.address.name);
    case "delete-address":
      return addressWrite(state, write.name);
    case "put-blackout":
      return blackoutWrite(state, write.blackout.cidr);
    case "delete-blackout":
      return blackoutWrite(state, write.cidr);
    case "put-evidence":
      return evidenceWrite(state, write.evidence.host);
    case "delete-evidence":
      return evidenceWrite(state, write.host);
    case "put-adoption":
      return { kind: "put-adoption", adoption: state.adoption };
    case "put-reported":
      return reportedWrite(state, write.reported.host);
    case "delete-reported":
      return reportedWrite(state, write.host);
    case "put-reservation":
      return reservationWrite(state, write.reservation.cidr);
    case "delete-reservation":
      return reservationWrite(state, write.cidr);
    case "put-limit":
      return limitWrite(state, write.limit.tenant);
    case "delete-limit":
      return limitWrite(state, write.tenant);
    case "put-policy":
      return policyWrite(state, write.policy.id);
    case "delete-policy":
      return policyWrite(state, write.id);
    case "put-pod":
      return podWrite(state, write.pod.id);
    case "delete-pod":
      return podWrite(state, write.id);
    case "put-tenant":
      return tenantWrite(state, write.tenant.name);
    case "delete-tenant":
      return tenantWrite(state, write.id);
    case "bump-guard":
      return write;
  }
}

function podWrite(state: IpamState, id: string): Write {
  const pod = state.pods.get(id);
  return pod ? { kind: "put-pod", pod } : { kind: "delete-pod", id };
}

function tenantWrite(state: IpamState, id: string): Write {
  const tenant = state.tenants.get(id);
  return tenant ? { kind: "put-tenant", tenant } : { kind: "delete-tenant", id };
}

function policyWrite(state: IpamState, id: string): Write {
  const policy = state.policies.get(id);
  return policy ? { kind: "put-policy", policy } : { kind: "delete-policy", id };
}

function limitWrite(state: IpamState, tenant: string): Write {
  const limit = state.limits.get(tenant);
  return limit ? { kind: "put-limit", limit } : { kind: "delete-limit", tenant };
}

function reportedWrite(state: IpamState, host: string): Write {
  const round = state.reported.get(host);
  return round === undefined
    ? { kind: "delete-reported", host }
    : { kind: "put-reported", reported: { host, round } };
}

function reservationWrite(state: IpamState, cidr: Cidr): Write {
  const reservation = state.reservations.get(formatCidr(cidr));
  return reservation ? { kind: "put-reservation", reservation } : { kind: "delete-reservation", cidr };
}

function hostWrite(state: IpamState, name: string): Write {
  const host = state.hosts.get(name);
  return host ? { kind: "put-host", host } : { kind: "delete-host", name };
}

function blockWrite(state: IpamState, cidr: Cidr): Write {
  const block = state.blocks.get(formatCidr(cidr))?.block;
  return block ? { kind: "put-block", block } : { kind: "delete-block", cidr };
}

function addressWrite(state: IpamState, name: string): Write {
  const address = state.addresses.get(name);
  return address ? { kind: "put-address", address } : { kind: "delete-address", name };
}

function blackoutWrite(state: IpamState, cidr: Cidr): Write {
  const blackout = state.blackouts.get(formatCidr(cidr));
  return blackout ? { kind: "put-blackout", blackout } : { kind: "delete-blackout", cidr };
}

function evidenceWrite(state: IpamState, host: string): Write {
  const evidence = state.evidence.get(host);
  return evidence ? { kind: "put-evidence", evidence } : { kind: "delete-evidence", host };
}
