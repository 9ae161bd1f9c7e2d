// What every command gets: how to ask the daemon and how to print.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { silentLog } from "../../base/log.ts";
import { parseDocument } from "../../io/document/parse-document.ts";
import { openKubeAccess } from "../../io/kube/kube-access.ts";
import { createKubeClient, type KubeClient } from "../../io/kube/kube-client.ts";
import { type Client, createClient } from "./client.ts";
import { type CliFlags, cliConfig } from "./config.ts";
import { type Column, render } from "./output.ts";

export type Context = {
  readonly client: Client;
  /** To Kubernetes, as the file says, or as kubectl would find it: KUBECONFIG, the pod's own account, `~/.kube/config`. InputError of `openKubeAccess`. */
  readonly kubernetes: (kubeconfig: string | undefined) => KubeClient;
  readonly print: (text: string) => void;
  /** The reply for scripts, its rows for people. */
  readonly show: <Row>(whole: unknown, rows: readonly Row[], columns: readonly Column<Row>[]) => void;
  /** One sentence for people; the reply for scripts. */
  readonly tell: (whole: unknown, sentence: string) => void;
};

export type Streams = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A command that worked has another exit code than 0. */
  readonly ended?: (code: number) => void;
};

const REQUEST_TIMEOUT = 30_000;

/** Made when a command runs, as only then all flags are known. */
export function contextOf(command: Command, { out, err, env }: Streams): Context {
  const { rootUrl, access, format, verbose } = cliConfig(command.optsWithGlobals<CliFlags>(), env);
  const print = (text: string): void => {
    out(`${text}\n`);
  };
  return {
    client: createClient({
      rootUrl,
      access,
      timeout: REQUEST_TIMEOUT,
      ...(verbose
        ? {
            trace: (line: string) => {
              err(`${line}\n`);
            },
          }
        : {}),
    }),
    kubernetes: (given) => {
      const kubeconfig = given ?? env["KUBECONFIG"] ?? ownKubeconfig(env);
      return createKubeClient(openKubeAccess({ kubeconfig, env, parse: parseDocument, log: silentLog }));
    },
    print,
    show: (whole, rows, columns) => {
      print(render(format, whole, rows, columns));
    },
    tell: (whole, sentence) => {
      print(format === "table" ? sentence : render(format, whole, [], []));
    },
  };
}

function ownKubeconfig({ KUBERNETES_SERVICE_HOST: inPod }: Streams["env"]): string {
  const path = join(homedir(), ".kube/config");
  return inPod === undefined && existsSync(path) ? path : "";
}
