// Whether roles of Kubernetes allow what their accounts ask for, and nothing more: manifests against the API server's audit log. Pure.

/** Of a manifest; only roles and their bindings are looked at. */
export type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
  }[];
};
type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};

/** A line of the log, audit.k8s.io/v1 Event, as far as it is read. */
export type AuditEvent = {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
};

/** `namespace`, `name`: of the object; "": of all namespaces, of none by name. */
type Use = {
  readonly account: string;
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
};
type Right = Pick<Use, "account" | "verb" | "resource"> & {
  /** "": in all. */
  readonly namespace: string;
  /** Absent: whatever its name. */
  readonly names: readonly string[] | undefined;
};

/** Sentences as "kube-system/romana-agent: list pods". `missing`: asked for without a right, `unused`: rights that nobody asked for. */
export function compareRoles(
  manifests: readonly Manifest[],
  events: readonly AuditEvent[],
): { readonly missing: string[]; readonly unused: string[] } {
  const rights = manifests.flatMap((manifest) => rightsOf(manifest, manifests));
  const accounts = new Set(rights.map(({ account }) => account));
  const uses = events.flatMap(useOf).filter(({ account }) => accounts.has(account));
  const missing = uses.filter((use) => !rights.some((right) => covers(right, use)));
  const unused = rights.filter((right) => !uses.some((use) => covers(right, use)));
  return { missing: sentences(missing), unused: sentences(unused) };
}

const sentences = (list: readonly Pick<Use, "account" | "verb" | "resource">[]): string[] => [
  ...new Set(list.map(({ account, verb, resource }) => `${account}: ${verb} ${resource}`).sort()),
];

/** What a binding gives to accounts. */
function rightsOf(binding: Manifest, manifests: readonly Manifest[]): Right[] {
  const { roleRef, subjects = [], metadata } = binding;
  const namespace = binding.kind === "RoleBinding" ? (metadata.namespace ?? "") : "";
  const role = manifests.find(({ kind, metadata: { name, namespace: own } }) => {
    const isThere = kind === "ClusterRole" || own === metadata.namespace;
    return kind === roleRef?.kind && name === roleRef.name && isThere;
  });
  return subjects
    .filter(({ kind }) => kind === "ServiceAccount")
    .flatMap((subject) => {
      const account = `${subject.namespace ?? metadata.namespace}/${subject.name}`;
      return (role?.rules ?? []).flatMap(expand).map((right) => ({ ...right, account, namespace }));
    });
}

const expand = ({
  apiGroups,
  resources,
  verbs,
  resourceNames: names,
}: Rule): Omit<Right, "account" | "namespace">[] =>
  apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.map((verb) => ({ verb, resource: inGroup(resource, group), names })),
    ),
  );

/** As kubectl writes it. */
const inGroup = (resource: string, group: string): string =>
  group === "" ? resource : `${resource}.${group}`;

const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** Nothing where no account asked, or for no resource. */
function useOf({ verb, user, objectRef }: AuditEvent): Use[] {
  const [, space, account] = ACCOUNT.exec(user.username) ?? [];
  if (account === undefined || objectRef?.resource === undefined) return [];
  const { apiGroup = "", resource, subresource, namespace = "", name = "" } = objectRef;
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
  return [{ account: `${space}/${account}`, verb, resource: inGroup(whole, apiGroup), namespace, name }];
}

const covers = (right: Right, use: Use): boolean =>
  right.account === use.account &&
  right.verb === use.verb &&
  right.resource === use.resource &&
  (right.namespace === "" || right.namespace === use.namespace) &&
  (right.names === undefined || right.names.includes(use.name));
