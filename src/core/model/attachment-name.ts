// Under what name an attachment's address is held. Names of this form are an agent's to know of; whoever allocates by hand takes others.

/**
 * Its address is held under the name made of (network, container, interface): a retried ADD gets the same address, and a DEL can
 * free no other container's. A slash is in none of the three, so no two attachments share a name.
 */
export const attachmentName = (network: string, containerId: string, ifname: string): string =>
  `${network}/${containerId}/${ifname}`;

/** `undefined`: the name is no attachment's. */
export function parseAttachmentName(
  name: string,
): { readonly network: string; readonly containerId: string; readonly ifname: string } | undefined {
  const [network, containerId, ifname, ...more] = name.split("/");
  if (!network || !containerId || !ifname || more.length > 0) return undefined;
  return { network, containerId, ifname };
}
