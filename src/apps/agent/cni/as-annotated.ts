// An attachment with what its Pod says: the segment by a label, addresses and networks by annotations. What the runtime's configuration asks for
// goes before what the pod asks for.
import { show } from "../../../base/errors.ts";
import type { PodView } from "../pods/pod-view.ts";
import { type CniConfig, parseIps } from "./cni-config.ts";
import { CNI_CODE, CniError } from "./cni-error.ts";
import type { Attachment } from "./cni-request.ts";

/** CniError 7: an annotation is not of its form. */
export function asAnnotated(
  attachment: Attachment,
  { segmentLabel, tenantLabel, ips }: CniConfig,
  { labels, ip, network }: PodView,
): Attachment {
  const tenant = tenantLabel === undefined ? undefined : labels[tenantLabel];
  const wanted = listed(ip);
  return {
    ...attachment,
    ...(tenant && { tenant }),
    ...(labels[segmentLabel] && { segment: labels[segmentLabel] }),
    ...(ips === undefined && wanted.length > 0 && { ips: parseIps(wanted, "annotation romana.io/ip") }),
    networks: listed(network).map(networkName),
  };
}

const listed = (text: string): string[] =>
  text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");

function networkName(text: string): string {
  if (/^[^\p{C}\p{Z}]{1,253}$/u.test(text)) return text;
  throw new CniError(
    CNI_CODE.invalidConfig,
    `annotation romana.io/network: ${show(text)}: expected names of networks, by commas`,
  );
}
