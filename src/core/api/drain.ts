// `/networks/{network}/drain`: a network that gives no more addresses, and what is still in use of it.
import { array, boolean, integer, object, type Static } from "./schema.ts";
import { Text } from "./types.ts";

/** `allocated_ip_count`: addresses that are left, in all and by host. At 0 the network can be taken out of the topology. */
export type DrainReply = Static<typeof DrainReply>;
export const DrainReply = object({
  network: Text,
  cidr: Text,
  drained: boolean(),
  allocated_ip_count: integer(),
  hosts: array(object({ name: Text, allocated_ip_count: integer() })),
});
