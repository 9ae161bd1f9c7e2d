// Which links are pods': by name, so that they are known without memory (see cni/attach.ts).
import type { Link } from "../../core/netlink/types.ts";

/** Host ends of pods' pairs. */
export const isPodLink = ({ name }: Link): boolean => name.startsWith("rom");
