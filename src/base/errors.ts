// The three families of errors. An error is decided where it is thrown and handled once, at the edge:
// the HTTP server, the CLI, the CNI reply or the runner of a loop. Match on `code`, never on text.

/** One thing wrong with what a user gave: where it stands, what was found and what was expected. */
export type Fault = {
  /** Machine-readable, SCREAMING_SNAKE_CASE. */
  code: string;
  /** Path of the field, as `topologies[0].map[2].name`; a flag (`--mtu`); or a query parameter. */
  field: string;
  /** What was found. Shown shortened, with control characters escaped. */
  value: unknown;
  /** What would have been right, as "an IPv4 or IPv6 CIDR without host bits". */
  expected: string;
};

/** The user's fault. HTTP `status` (400 unless told), exit code 2, no stack. Never retried. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly code: string;
  readonly faults: readonly Fault[];
  /** 400 malformed, 404 unknown, 409 conflicts with what is there, 422 cannot be satisfied (exhausted), 429 too often. */
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 422 | 429;

  constructor(faults: Fault | readonly Fault[], status: InputError["status"] = 400) {
    const list = Array.isArray(faults) ? (faults as readonly Fault[]) : [faults as Fault];
    super(list.map(describeFault).join("; "));
    this.faults = list;
    this.code = list[0]?.code ?? "INPUT";
    this.status = status;
  }
}

/** The world's fault: a peer, disk or kernel that did not do its part. Retry with backoff, count. HTTP 503, exit code 1. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    { code, message, ...details }: { code: string; message?: string } & Record<string, unknown>,
    options?: ErrorOptions,
  ) {
    super(
      message ?? [code, ...Object.entries(details).map(([k, v]) => `${k}=${show(v)}`)].join(" "),
      options,
    );
    this.code = code;
    this.details = details;
  }
}

/** Our fault: an invariant does not hold. Crash; the supervisor restarts. */
export class BugError extends Error {
  override readonly name = "BugError";
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor({ code, ...details }: { code: string } & Record<string, unknown>, options?: ErrorOptions) {
    super([code, ...Object.entries(details).map(([k, v]) => `${k}=${show(v)}`)].join(" "), options);
    this.code = code;
    this.details = details;
  }
}

/** What a person is told of an expected error: one line for each thing that is wrong. */
export const errorLines = (error: InputError | UnavailableError): readonly string[] =>
  error instanceof InputError ? error.faults.map(describeFault) : [error.message];

/** One line for one fault: `networks[0].cidr: "10.0.0.1/8" has host bits: expected …`. */
export function describeFault(fault: Fault): string {
  return `${fault.field}: ${show(fault.value)}: expected ${fault.expected}`;
}

/** JSON leaves most of them as they are: C1 codes move the cursor, and marks of direction turn a line about. */
const escaped = (char: string): string => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;

/** A value as a person reads it on one line: JSON, control characters escaped, cut at 80 characters. */
export function show(value: unknown): string {
  let text: string;
  try {
    text =
      JSON.stringify(value, (_key, v: unknown) => (typeof v === "bigint" ? v.toString() : v)) ??
      String(value);
  } catch {
    text = String(value);
  }
  const short = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  return short.replaceAll(/\p{C}|[\u2028\u2029]/gu, escaped);
}
