// Errors as a CNI runtime reads them. Codes: CNI specification 1.1.0, "Error".
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
  if (error instanceof InputError)
    return new CniError(CNI_CODE.addressRefused, error.message, error.code, { cause: error });
  if (error instanceof UnavailableError && error.code === "NETNS_GONE")
    return new CniError(CNI_CODE.unknownContainer, "the network namespace is gone", error.message, {
      cause: error,
    });
  if (error instanceof UnavailableError)
    return new CniError(CNI_CODE.tryAgainLater, error.message, error.code, { cause: error });
  return new CniError(CNI_CODE.ioFailure, error instanceof Error ? error.message : String(error), "", {
    cause: error,
  });
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
