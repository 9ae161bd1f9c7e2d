// `/policies`: Romana's network policies, R5. core/policy reads what is posted and names every fault; the schemas are for the document.
import { anything, array, object, oneOf, optional, type Schema, type Static } from "./schema.ts";
import { Text } from "./types.ts";

/** As `GET /policies` answers: docs/guide/policy.md. */
export const PolicyReply = object({
  id: Text,
  description: optional(Text),
  direction: oneOf("ingress", "egress"),
  applied_to: array(anything()),
  ingress: array(anything()),
});
export type PolicyList = Static<typeof PolicyList>;
export const PolicyList = array(PolicyReply);

/** `POST /policies`: one, a list, or the older envelope. */
export const PolicyRequest: Schema = {
  anyOf: [PolicyReply, PolicyList, object({ securitypolicies: array(anything()) })],
};

export type PolicyChange = Static<typeof PolicyChange>;
export const PolicyChange = object({
  id: Text,
  change: oneOf("added", "changed", "unchanged", "removed", "absent"),
});
/** In the order of the request. */
export type PolicyChanges = Static<typeof PolicyChanges>;
export const PolicyChanges = object({ policies: array(PolicyChange) });

/** `DELETE /policies`. */
export type PolicyRemoval = Static<typeof PolicyRemoval>;
export const PolicyRemoval = object({ id: Text });
