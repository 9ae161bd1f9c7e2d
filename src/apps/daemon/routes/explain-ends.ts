// The ends of a packet as somebody names them (an address, a pod, a host) and as policies see them.
import { InputError } from "../../../base/errors.ts";
import type { IpamState } from "../../../core/ipam/state.ts";
import type { PolicyPod } from "../../../core/model/policy.ts";
import type { Address } from "../../../core/model/records.ts";
import { type Family, equalIp, formatIp, type Ip, tryParseIp } from "../../../core/net/ip.ts";
import { podIdOf, recordedPod } from "../watch/recorded-world.ts";
import { unknownResource } from "./refusal.ts";

export type End = {
  readonly ip: Ip;
  readonly pod: PolicyPod | undefined;
  /** Where the pod is, or the host itself. */
  readonly host: string | undefined;
};

/** Addresses of one family. InputError: one of them is nobody, or they have no family in common. */
export function endsOf(state: IpamState, from: string, to: string): { from: End; to: End } {
  const [senders, receivers] = [ipsOf(state, from), ipsOf(state, to)];
  for (const sender of senders) {
    const receiver = receivers.find(({ family }) => family === sender.family);
    if (receiver) return { from: endAt(state, sender), to: endAt(state, receiver) };
  }
  const families = (ips: readonly Ip[]): Family[] => ips.map(({ family }) => family);
  const expected = `an address of the family of ${from}: IPv${families(senders).join(", IPv")}`;
  throw new InputError({ code: "FAMILY", field: "query.to", value: to, expected }, 422);
}

function ipsOf(state: IpamState, text: string): readonly Ip[] {
  const ip = tryParseIp(text);
  if (ip) return [ip];
  const ips = addressesOf(state, text).flatMap((address) => address.ips.map((each) => each.ip));
  const found = ips.length > 0 ? ips : (state.hosts.get(text)?.ips ?? []);
  if (found.length === 0) throw unknownResource("end", text);
  return found;
}

/** Looks at all: an explanation is for people. */
function addressesOf({ addresses }: IpamState, id: string): Address[] {
  const found = addresses.get(id);
  return found ? [found] : [...addresses.values()].filter((address) => podIdOf(address) === id);
}

function endAt(state: IpamState, ip: Ip): End {
  const address = state.addressAt(ip);
  if (!address) {
    const host = [...state.hosts.values()].find(({ ips }) => ips.some((each) => equalIp(each, ip)));
    return { ip, pod: undefined, host: host?.name };
  }
  const id = podIdOf(address);
  const pod = recordedPod(state, id, addressesOf(state, id));
  // Its node does not know it either.
  if (!pod) {
    const expected = `a pod that was told of: ${formatIp(ip)} is ${id}'s, and nobody told its labels yet`;
    throw new InputError({ code: "POD_AWAITED", field: "pod", value: id, expected }, 409);
  }
  return { ip, pod, host: address.host };
}
