// What every route's schema has in common.
import type { Schema } from "../../../core/api/schema.ts";
import { ApiError } from "../../../core/api/types.ts";

/** The reply at 200, and the one form of every error. */
export const replies = (ok: Schema) => ({ response: { 200: ok, "4xx": ApiError, "5xx": ApiError } });
