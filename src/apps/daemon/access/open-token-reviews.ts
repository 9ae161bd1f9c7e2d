// The API server behind token reviews. Loaded only where tokens of ServiceAccounts are believed.
import type { Clock } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";
import { parseDocument } from "../../../io/document/parse-document.ts";
import { openKubeAccess } from "../../../io/kube/kube-access.ts";
import { createKubeClient } from "../../../io/kube/kube-client.ts";
import type { DaemonConfig } from "../config.ts";
import { createTokenReviews, type TokenReviews } from "./token-review.ts";

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";
/** Milliseconds: who asks for an address is waiting. */
const PATIENCE = 3000;

type Env = Readonly<Record<string, string | undefined>>;
type ReviewConfig = Pick<DaemonConfig, "kubeconfig" | "serviceAccounts" | "tokenAudience">;

/** InputError of `openKubeAccess`. */
export function openTokenReviews(
  config: ReviewConfig,
  env: Env,
  deps: { readonly clock: Clock; readonly log: Log },
): TokenReviews {
  const { kubeconfig, serviceAccounts: accounts, tokenAudience: audience } = config;
  const client = createKubeClient(openKubeAccess({ kubeconfig, env, parse: parseDocument, log: deps.log }));
  const ask = async (token: string): Promise<unknown> => {
    const body = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: [audience] },
    };
    const signal = AbortSignal.timeout(PATIENCE);
    return (await client.ask<{ status?: unknown }>("POST", PATH, { body, signal })).status;
  };
  return createTokenReviews(ask, { audience, accounts }, deps);
}
