// `/reservations`: addresses kept out of the free choice.
import { array, object, optional, type Static } from "./schema.ts";
import { HolderName, OneLine, Revision, Text } from "./types.ts";

/** `POST /reservations`: makes or changes a reservation. `cidr` may be a bare address. */
export type ReservationRequest = Static<typeof ReservationRequest>;
export const ReservationRequest = object({
  cidr: Text,
  /** The name of an address, or a pod as "namespace/pod": `cidr` is one address then, and kept for it alone. */
  holder: optional(HolderName),
  reason: optional(OneLine),
});

const fields = {
  cidr: Text,
  holder: optional(Text),
  reason: Text,
  /** Where the first of the addresses can be had: a network, and the group whose hosts can. */
  network: optional(Text),
  group: optional(Text),
};
/** `in_use`: names of the others who have an address inside and keep it; `blocks`: what is free in these only their owners can have until they are empty. */
export type ReservationReply = Static<typeof ReservationReply>;
export const ReservationReply = object({ ...fields, in_use: array(Text), blocks: array(Text) });

export type ReservationList = Static<typeof ReservationList>;
export const ReservationList = object({ revision: Revision, reservations: array(object(fields)) });
