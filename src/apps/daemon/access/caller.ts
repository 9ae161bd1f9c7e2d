// Who asks, and what a certificate says of that. Never what he may do: that is the table.
import type { PeerCertificate } from "node:tls";

export const ROLES = ["admin", "service", "node", "tenant", "read-only"] as const;
export type Role = (typeof ROLES)[number];

export type Caller = {
  /** As the audit log shows it: the certificate's CN, the token's name. */
  readonly name: string;
  /** "none": we know who it is, but nobody gave him a role. */
  readonly role: Role | "none";
  /** The host of a node, the tenant of a tenant's; "" for the others. */
  readonly owns: string;
  readonly by: "certificate" | "token" | "account" | "nothing";
};

/** Organisation (O) of a certificate's subject → role, as Kubernetes reads groups. */
export const ORGANISATIONS: ReadonlyMap<string, Role> = new Map([
  ["romana:admins", "admin"],
  ["romana:services", "service"],
  ["romana:nodes", "node"],
  ["romana:tenants", "tenant"],
  ["romana:readers", "read-only"],
]);

/** Visible characters only, as the API's own names. */
export const isName = (text: string): boolean => /^[^\p{C}\p{Z}]{1,253}$/u.test(text);

/**
 * O gives the role; a node's host is the CN, a tenant's tenant the OU. O of others is ignored, so that a certificate may serve
 * elsewhere too; what is said twice or not at all gives no role. X.520 allows 64 characters each.
 */
export function certificateCaller({ subject }: Pick<PeerCertificate, "subject">): Caller {
  const [name, ...more] = words(subject.CN);
  const [role, ...others] = words(subject.O).flatMap((organisation) => ORGANISATIONS.get(organisation) ?? []);
  const nobody = { name: name ?? "", role: "none", owns: "", by: "certificate" } as const;
  if (name === undefined || !isName(name) || more.length > 0 || role === undefined || others.length > 0)
    return nobody;
  if (role !== "tenant") return { ...nobody, role, owns: role === "node" ? name : "" };
  const [tenant, ...tenants] = words(subject.OU);
  if (tenant === undefined || !isName(tenant) || tenants.length > 0) return nobody;
  return { ...nobody, role, owns: tenant };
}

/** A part of the subject may be missing, or be given several times: then it is a list, whatever the types say. */
const words = (part: string | readonly string[] | undefined): readonly string[] =>
  part === undefined ? [] : typeof part === "string" ? [part] : part;
