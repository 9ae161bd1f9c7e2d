// What the API server's refusals are to us. Never decides what to do about them.
import { UnavailableError } from "../../base/errors.ts";
import type { KubeStatus } from "./types.ts";

const CODES: Readonly<Record<number, string>> = {
  401: "KUBE_UNAUTHORIZED",
  403: "KUBE_FORBIDDEN",
  404: "KUBE_NOT_FOUND",
  409: "KUBE_CONFLICT",
  410: "KUBE_GONE",
  422: "KUBE_INVALID",
  429: "KUBE_TOO_MANY",
};

/** The server names verb, resource and namespace of what it forbids. `retryAfter`: seconds that it asks to wait. */
export function kubeError(what: string, status: KubeStatus, retryAfter?: number): UnavailableError {
  const { code = 0, message } = status;
  const said = message ?? `the server answered ${code}`;
  const asked = retryAfter === undefined ? {} : { retryAfter };
  return new UnavailableError({
    code: CODES[code] ?? `KUBE_${code}`,
    message: `Kubernetes: ${what}: ${said}`,
    status: code,
    ...asked,
  });
}

export const isKubeError = (error: unknown, code: string): error is UnavailableError =>
  error instanceof UnavailableError && error.code === code;
