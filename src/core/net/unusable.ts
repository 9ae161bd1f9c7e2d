// Prefixes whose addresses belong to nobody on a network.
import { parseCidr } from "./cidr.ts";

/** This host, loopback, link-local (the pods' gateway is there), multicast. RFC 6890, RFC 4291. */
export const UNUSABLE = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/4",
  "::/96",
  "fe80::/10",
  "ff00::/8",
].map((text) => parseCidr(text));
