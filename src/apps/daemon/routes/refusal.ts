// Why address management said no, as the error that the API answers with.
import { InputError, type Fault } from "../../../base/errors.ts";
import type { Refusal, Release } from "../../../core/ipam/types.ts";
import { formatCidr } from "../../../core/net/cidr.ts";
import { formatIp } from "../../../core/net/ip.ts";

// long: one case a refusal
/** 404 unknown host, 409 taken, 422 cannot be satisfied. The fault's field and value are the resource's type and id. */
export function allocationRefused(refusal: Refusal, name: string): InputError {
  switch (refusal.kind) {
    case "name-taken": {
      const { host, tenant, segment } = refusal.holder;
      const expected = `the host, tenant, segment and addresses it has: ${host}, ${tenant}, "${segment}"`;
      return refuse(409, "NAME_TAKEN", "address", name, expected);
    }
    case "unknown-host":
      return refuse(404, "HOST_UNKNOWN", "host", refusal.host, "a host of GET /hosts");
    case "host-in-no-group":
      return refuse(422, "HOST_IN_NO_GROUP", "host", refusal.host, "a host whose tags match a group");
    case "no-network":
      return noNetwork(refusal);
    case "exhausted": {
      const tried = refusal.tried.map(
        ({ network, group, drained }) => `${network}:${group || "/"}${drained ? " (drained)" : ""}`,
      );
      const expected = `a free IPv${refusal.family} address for tenant ${refusal.tenant}; full: ${tried.join(", ")}`;
      return refuse(422, "EXHAUSTED", "network", refusal.network, expected);
    }
    case "limit-reached": {
      const { tenant, network, most, used } = refusal;
      const where = network === undefined ? "" : ` in network ${network}`;
      return refuse(
        409,
        "LIMIT_REACHED",
        "tenant",
        tenant,
        `fewer than ${most} addresses in use${where}: it has ${used}`,
      );
    }
    case "ip-taken": {
      const by = refusal.holder === undefined ? `block ${formatCidr(refusal.block)}` : refusal.holder;
      return refuse(409, "IP_TAKEN", "ips", formatIp(refusal.ip), `a free address; it belongs to ${by}`);
    }
    case "ip-quarantined": {
      const { ip, host, until } = refusal;
      const expected = `a free address; removed host ${host} had it, and others get it after ${new Date(until).toISOString()}`;
      return refuse(409, "IP_QUARANTINED", "ips", formatIp(ip), expected);
    }
    case "ip-outside": {
      const allowed = refusal.allowed.map(formatCidr).join(", ");
      return refuse(
        422,
        "IP_OUTSIDE",
        "ips",
        formatIp(refusal.ip),
        `one address a family, within ${allowed}`,
      );
    }
    case "ip-reserved":
      return refuse(422, "IP_RESERVED", "ips", formatIp(refusal.ip), "an address outside of the blackouts");
    case "ip-kept":
      return refuse(
        409,
        "IP_KEPT",
        "ips",
        formatIp(refusal.ip),
        `an address not reserved for ${refusal.holder}`,
      );
    case "kept-elsewhere": {
      const { ip, host, place } = refusal;
      const where = place
        ? `a host of group ${place.group || "/"} and a tenant of network ${place.network}`
        : "its reservation in the prefix of a group";
      return refuse(422, "KEPT_ELSEWHERE", "host", host, `${where}: ${formatIp(ip)} is reserved for ${name}`);
    }
  }
}

export function releaseRefused(release: Exclude<Release, { kind: "released" }>, asked: string): InputError {
  switch (release.kind) {
    case "not-found":
      return refuse(404, "ADDRESS_UNKNOWN", "address", asked, "the name or IP of an allocated address");
    case "stale":
      return refuse(409, "RELEASE_STALE", "address", asked, `the present sequence ${release.sequence}`);
    case "foreign":
      return refuse(409, "RELEASE_FOREIGN", "address", asked, `a release by its host ${release.holder.host}`);
  }
}

export const unknownResource = (type: string, id: string): InputError =>
  refuse(404, `${type.toUpperCase()}_UNKNOWN`, type, id, `a ${type} that exists`);

function noNetwork({ tenant, networks }: Extract<Refusal, { kind: "no-network" }>): InputError {
  if (!networks)
    return refuse(422, "NO_NETWORK", "tenant", tenant, "a tenant to whom a network of the host is open");
  const expected = `networks that the host's groups have and that are open to tenant ${tenant}`;
  return refuse(422, "NO_NETWORK", "networks", networks.join(), expected);
}

function refuse(
  status: InputError["status"],
  code: string,
  field: string,
  value: string,
  expected: Fault["expected"],
): InputError {
  return new InputError({ code, field, value, expected }, status);
}
