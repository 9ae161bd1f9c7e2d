// Errors as a CNI runtime reads them. Codes: CNI specification 1.1.0, section 5, "Error".
import { InputError, UnavailableError } from "../../../base/errors.ts";

export const CNI_CODE = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodeFailure: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  pluginNotAvailable: 50,
  /** Ours (the specification leaves 100 and above to plugins): the daemon refused the address. */
  addressRefused: 100,
  /** Ours: CHECK found the container's network other than ADD left it. */
  checkFailed: 101,
  /** Ours, with libcni's number for it: a fault of Romana itself. */
  internal: 999,
} as const;

export type CniCode = (typeof CNI_CODE)[keyof typeof CNI_CODE];

/** A request that ends in a CNI error: `message` is one sentence, `details` what was found. */
export class CniError extends Error {
  override readonly name = "CniError";
  readonly code: CniCode;
  readonly details: string;

  constructor(code: CniCode, message: string, details = "", options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** Any error as a `CniError`: a daemon or kernel that is away means "try again later"; a refusal names itself. */
export function asCniError(error: unknown): CniError {
  if (error instanceof CniError) return error;
  const because = { cause: error };
  if (error instanceof InputError)
    return new CniError(CNI_CODE.addressRefused, error.message, error.code, because);
  if (error instanceof UnavailableError) return ofUnavailable(error, because);
  return new CniError(
    CNI_CODE.internal,
    error instanceof Error ? error.message : String(error),
    "a fault of the Romana agent: its log has more",
    because,
  );
}

function ofUnavailable(error: UnavailableError, because: ErrorOptions): CniError {
  switch (error.code) {
    case "NETNS_GONE":
      return new CniError(
        CNI_CODE.unknownContainer,
        "CNI_NETNS names no network namespace: the container is gone",
        error.message,
        because,
      );
    case "IFNAME_TAKEN":
      return new CniError(
        CNI_CODE.invalidEnvironment,
        "CNI_IFNAME: expected a name that no interface of the container has",
        error.message,
        because,
      );
    case "DAEMON_UNREACHABLE":
      return new CniError(
        CNI_CODE.tryAgainLater,
        "the Romana daemon does not answer",
        error.message,
        because,
      );
    default:
      return new CniError(CNI_CODE.tryAgainLater, error.message, error.code, because);
  }
}

/** The JSON that goes to the runtime on stdout. */
export function renderCniError(error: CniError, cniVersion: string): string {
  return JSON.stringify({
    cniVersion,
    code: error.code,
    msg: error.message,
    ...(error.details === "" ? {} : { details: error.details }),
  });
}
