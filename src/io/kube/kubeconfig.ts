// A kubeconfig's current context as access to the API. What would make the connection other than it says (a proxy, no check of the
// server's certificate, a program that is to be run) is refused, not left out.
import { dirname, resolve } from "node:path";
import { type Fault, InputError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { readNamed } from "../files/named-file.ts";
import { type PemFiles, type Pems, checkPems } from "../files/pem-files.ts";
import { renewingPems } from "../files/renewing-pems.ts";
import type { KubeAccess } from "./kube-access.ts";

type Fields = Readonly<Record<string, unknown>>;
type Place = { readonly path: string; readonly field: string; readonly fields: Fields };

const UNSUPPORTED = {
  cluster: ["insecure-skip-tls-verify", "proxy-url"],
  user: ["exec", "auth-provider", "username", "password", "as"],
} as const;

/** InputError `KUBECONFIG`, `FILE`, `PEM`. */
export function readKubeconfig(document: unknown, path: string, log: Log): KubeAccess {
  const root = { path, field: "", fields: fieldsOf(document) };
  const context = entry(root, "contexts", "context", text(root, "current-context"));
  const cluster = entry(root, "clusters", "cluster", text(context, "cluster"));
  const user = entry(root, "users", "user", text(context, "user"));
  refuse(cluster, UNSUPPORTED.cluster);
  refuse(user, UNSUPPORTED.user);
  const serverName = optional(cluster, "tls-server-name");
  return {
    server: urlOf(cluster),
    ...(serverName !== undefined && { serverName }),
    pems: pemsOf(cluster, user, log),
    token: tokenOf(user),
    namespace: optional(context, "namespace") ?? "default",
  };
}

const fieldsOf = (value: unknown): Fields =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Fields) : {};

/** Of a list of `{name, [kind]: {…}}`. */
function entry(root: Place, list: string, kind: string, name: string): Place {
  const entries = root.fields[list];
  const at = Array.isArray(entries) ? entries.findIndex((each) => fieldsOf(each)["name"] === name) : -1;
  if (at < 0) throw fault(root, list, name, `an entry of this name`);
  const found = fieldsOf((entries as unknown[])[at])[kind];
  return { path: root.path, field: `${list}[${at}].${kind}.`, fields: fieldsOf(found) };
}

function optional(place: Place, name: string): string | undefined {
  const value = place.fields[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw fault(place, name, typeof value, "a text");
  return value;
}

function text(place: Place, name: string): string {
  const value = optional(place, name);
  if (value === undefined) throw fault(place, name, "", "a text");
  return value;
}

function refuse(place: Place, names: readonly string[]): void {
  for (const name of names) {
    const value = place.fields[name];
    if (value !== undefined && value !== null && value !== false && value !== "")
      throw fault(place, name, "(given)", "nothing here: use certificates, token or tokenFile");
  }
}

function urlOf(cluster: Place): URL {
  const server = text(cluster, "server");
  const url = URL.parse(server);
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  throw fault(cluster, "server", server, "an address as https://HOST:PORT");
}

/** Data inside the kubeconfig goes before files that it names. */
function pemsOf(cluster: Place, user: Place, log: Log): () => Pems {
  const [ca, cert, key] = [
    data(cluster, "certificate-authority-data"),
    data(user, "client-certificate-data"),
    data(user, "client-key-data"),
  ];
  const named: PemFiles = {
    ca: file(cluster, "certificate-authority"),
    cert: file(user, "client-certificate"),
    key: file(user, "client-key"),
  };
  const inside: Pems = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  checkPems(named, inside);
  const none = { option: "", path: "" };
  const files = renewingPems(
    { ca: ca ? none : named.ca, cert: cert ? none : named.cert, key: key ? none : named.key },
    log,
  );
  return () => ({ ...files(), ...inside });
}

function data(place: Place, name: string): Buffer | undefined {
  const value = optional(place, name);
  return value === undefined ? undefined : Buffer.from(value, "base64");
}

/** As kubectl: paths are relative to the kubeconfig's own. */
function file(place: Place, name: string): { option: string; path: string } {
  const value = optional(place, name);
  const option = `${place.path}: ${place.field}${name}`;
  return { option, path: value === undefined ? "" : resolve(dirname(place.path), value) };
}

function tokenOf(user: Place): () => string | undefined {
  const named = file(user, "tokenFile");
  if (named.path !== "") return () => readNamed(named).toString("utf8").trim();
  const token = optional(user, "token");
  return () => token;
}

function fault(place: Place, name: string, value: string, expected: string): InputError {
  const found: Fault = {
    code: "KUBECONFIG",
    field: `${place.path}: ${place.field}${name}`,
    value,
    expected,
  };
  return new InputError(found);
}
