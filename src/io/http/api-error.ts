// Any error as the API's JSON with the right status. Never shows a stack or an unexpected error's text.
import { describeFault, InputError, UnavailableError, type Fault } from "../../base/errors.ts";
import type { ApiError } from "../../core/api/types.ts";

/** A reply names at most this many faults: a body of 100,000 wrong elements is not answered in kind. */
const MAX_FAULTS = 20;

/** What fastify's own errors carry. */
type FrameworkError = {
  readonly statusCode?: number;
  readonly code?: string;
  readonly message: string;
  readonly validation?: readonly ValidationFault[];
  readonly validationContext?: string;
};
/** An error of Ajv. */
type ValidationFault = {
  readonly instancePath: string;
  readonly message?: string;
  readonly keyword: string;
  readonly params: { readonly missingProperty?: string };
  readonly data?: unknown;
  readonly parentSchema?: { readonly description?: string };
};

/** Where trying again does not help. */
const STATUS: Readonly<Record<string, number>> = { STORE_TXN_TOO_BIG: 413 };

export function toApiError(error: unknown): ApiError {
  if (error instanceof InputError) {
    const resource = error.status === 400 ? undefined : error.faults[0];
    return {
      ...apiError(error.status, error.code, error.message),
      ...(resource && { resource_id: resourceId(resource), resource_type: resource.field }),
      faults: error.faults
        .slice(0, MAX_FAULTS)
        .map(({ code, field, expected }) => ({ code, field, expected })),
    };
  }
  if (error instanceof UnavailableError)
    return apiError(STATUS[error.code] ?? 503, error.code, error.message);
  return fromFramework(error as FrameworkError);
}

export const apiError = (status: number, code: string, details: string): ApiError => ({
  status_code: status,
  details,
  code,
});

const resourceId = ({ value }: Fault): string =>
  typeof value === "string" ? value : JSON.stringify(value ?? "");

function fromFramework(error: FrameworkError): ApiError {
  if (error.validation) {
    const where = error.validationContext ?? "body";
    const faults = error.validation.slice(0, MAX_FAULTS).map((fault) => schemaFault(where, fault));
    const told = faults.map(({ code, field, expected }) => ({ code, field, expected }));
    return { ...apiError(400, "SCHEMA", faults.map(describeFault).join("; ")), faults: told };
  }
  const status = error.statusCode ?? 500;
  if (status >= 500) return apiError(500, "BUG", "internal error; see the daemon's log");
  return apiError(status, codes[error.code ?? ""] ?? error.code ?? "HTTP", error.message);
}

const codes: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "BODY_TOO_LARGE",
  FST_ERR_CTP_EMPTY_JSON_BODY: "JSON",
  FST_ERR_CTP_INVALID_JSON_BODY: "JSON",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "MEDIA_TYPE",
  FST_ERR_BAD_URL: "URL",
};

/** `/endpoints/3/name` is `body.endpoints[3].name`. */
function schemaFault(where: string, fault: ValidationFault): Fault {
  const { instancePath, message, keyword, params, data, parentSchema } = fault;
  const path = instancePath.replace(/\/(\d+)(?=\/|$)/g, "[$1]").replaceAll("/", ".");
  const code = `SCHEMA_${keyword.toUpperCase()}`;
  if (params.missingProperty !== undefined)
    return { code, field: `${where}${path}.${params.missingProperty}`, value: null, expected: "a value" };
  const expected = parentSchema?.description ?? message?.replace(/^must be /, "") ?? keyword;
  return { code, field: `${where}${path}`, value: data, expected };
}
