// What every object of the Kubernetes API has, and what its watch sends. All else of an object is read by whoever knows its kind.

/** Of untrusted shape but for `metadata`. */
export type KubeObject = {
  readonly metadata: KubeMeta;
  readonly [field: string]: unknown;
};

export type KubeMeta = {
  readonly name: string;
  /** Absent: of the cluster. */
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
};

export type KubeList = {
  /** `continue`: there is another page. */
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly KubeObject[];
};

export type KubeEvent = {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: KubeObject;
};

/** meta/v1 Status: why a request failed. */
export type KubeStatus = { readonly code?: number; readonly reason?: string; readonly message?: string };
