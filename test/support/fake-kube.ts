// An API server of Kubernetes that is nothing but its lists, watches and writes, and fails when told to: for tests of those that use it.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { KubeAccess } from "../../src/io/kube/kube-access.ts";
import type { KubeObject } from "../../src/io/kube/types.ts";

export type Refusal = {
  readonly status: number;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export interface FakeKube {
  readonly access: KubeAccess;
  /** As `GET /api/v1/nodes?limit=500`, oldest first. */
  readonly asked: string[];
  /** Watches that are open. */
  readonly watchers: number;
  /** Makes or changes an object; `path` of its collection in all namespaces, as `/api/v1/pods`. */
  put(path: string, object: Fake): void;
  remove(path: string, name: string, namespace?: string): void;
  get(path: string, name: string, namespace?: string): KubeObject | undefined;
  all(path: string): readonly KubeObject[];
  /** To all watches; nothing has happened. */
  bookmark(): void;
  /** Ends all watches in the middle of a line. */
  cut(): void;
  /** Ends all watches as a server does that wants to be rid of them. */
  end(): void;
  /** Forgets its history: pages and watches from before are gone. */
  compact(): void;
  /** How requests are refused from now on, by method (of a watch: WATCH) and path; `undefined`: served. */
  refuse(how: (method: string, path: string) => Refusal | undefined): void;
  /** Answers nothing from now on, on open connections too. */
  pause(): void;
  close(): void;
}

type Fake = {
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
};
type Event = {
  readonly revision: number;
  readonly path: string;
  readonly object: Fake;
  readonly line: string;
};
type Wanted = (object: Fake) => boolean;
type Watcher = { readonly path: string; readonly wants: Wanted; readonly response: ServerResponse };
type Target = { readonly path: string; readonly namespace: string; readonly name: string };

const FORM =
  /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/[a-z]))?\/([a-z]+)(?:\/([^/]+))?(?:\/status)?$/;

export async function startFakeKube(): Promise<FakeKube> {
  const server = new Server();
  const http = createServer((request, response) => void server.answer(request, response));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  return Object.assign(server, {
    access: {
      server: new URL(`http://127.0.0.1:${port}`),
      pems: () => ({}),
      token: () => "secret",
      namespace: "romana",
    },
    close: () => {
      http.close();
      http.closeAllConnections();
    },
  });
}

class Server implements Omit<FakeKube, "access" | "close"> {
  readonly asked: string[] = [];
  readonly #collections = new Map<string, Map<string, Fake>>();
  readonly #watchers = new Set<Watcher>();
  readonly #pages = new Map<string, Fake[]>();
  #events: Event[] = [];
  #revision = 1;
  #oldest = 1;
  #isPaused = false;
  #refuse: (method: string, path: string) => Refusal | undefined = () => undefined;

  get watchers(): number {
    return this.#watchers.size;
  }

  put(path: string, object: Fake): void {
    const items = this.#items(path);
    const key = keyOf(object.metadata.namespace ?? "", object.metadata.name);
    const type = items.has(key) ? "MODIFIED" : "ADDED";
    const resourceVersion = `${++this.#revision}`;
    const uid = items.get(key)?.metadata["uid"] ?? object.metadata["uid"] ?? `uid-${resourceVersion}`;
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion } };
    items.set(key, stored);
    this.#tell(path, type, stored);
  }

  remove(path: string, name: string, namespace = ""): void {
    const object = this.#items(path).get(keyOf(namespace, name));
    if (!object) return;
    this.#items(path).delete(keyOf(namespace, name));
    const metadata = { ...object.metadata, resourceVersion: `${++this.#revision}` };
    this.#tell(path, "DELETED", { ...object, metadata });
  }

  get(path: string, name: string, namespace = ""): KubeObject | undefined {
    return this.#items(path).get(keyOf(namespace, name));
  }

  all(path: string): readonly KubeObject[] {
    return [...this.#items(path).values()];
  }

  bookmark(): void {
    const object = { metadata: { name: "", resourceVersion: `${this.#revision}` } };
    for (const { response } of this.#watchers) response.write(lineOf("BOOKMARK", object));
  }

  cut(): void {
    for (const { response } of this.#watchers) response.write('{"type":"ADD', () => response.destroy());
    this.#watchers.clear();
  }

  end(): void {
    for (const { response } of this.#watchers) response.end();
    this.#watchers.clear();
  }

  compact(): void {
    this.#events = [];
    this.#oldest = ++this.#revision;
    this.#pages.clear();
  }

  refuse(how: (method: string, path: string) => Refusal | undefined): void {
    this.#refuse = how;
  }

  pause(): void {
    this.#isPaused = true;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const url = new URL(request.url ?? "", "http://kube");
    const { method = "" } = request;
    this.asked.push(`${method} ${request.url ?? ""}`);
    if (this.#isPaused) return;
    const isWatch = url.searchParams.get("watch") === "true";
    const refusal = this.#refuse(isWatch ? "WATCH" : method, url.pathname);
    const [, version = "", namespace = "", plural = "", name = ""] = FORM.exec(url.pathname) ?? [];
    const target = { path: `${version}/${plural}`, namespace, name };
    if (refusal) refuse(response, refusal);
    else if (method === "GET" && name === "") this.#list(url.searchParams, target, response);
    else this.#single(method, body, target, response);
  }

  #list(query: URLSearchParams, { path, namespace }: Target, response: ServerResponse): void {
    const wants = selectorOf(query, namespace);
    if (query.get("watch") === "true")
      return this.#watch(Number(query.get("resourceVersion")), path, wants, response);
    const token = query.get("continue");
    const [revision = `${this.#revision}`] = token?.split(" ") ?? [];
    const items = token === null ? [...this.#items(path).values()] : this.#pages.get(token);
    if (!items) return refuse(response, { status: 410, message: "the continue token is too old" });
    const limit = Number(query.get("limit") ?? Infinity);
    const rest = items.slice(limit);
    const next = `${revision} ${this.#pages.size}`;
    if (rest.length > 0) this.#pages.set(next, rest);
    const page = items.slice(0, limit).filter(wants);
    const more = rest.length > 0 ? { continue: next } : {};
    reply(response, 200, { metadata: { resourceVersion: revision, ...more }, items: page });
  }

  #watch(from: number, path: string, wants: Wanted, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    if (from < this.#oldest) {
      const status = { code: 410, reason: "Expired", message: "too old resource version" };
      response.end(lineOf("ERROR", status));
      return;
    }
    const watcher = { path, wants, response };
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
    response.flushHeaders();
    for (const event of this.#events)
      if (event.path === path && event.revision > from && wants(event.object)) response.write(event.line);
  }

  #single(method: string, body: string, { path, namespace, name }: Target, response: ServerResponse): void {
    const given = (body === "" ? {} : JSON.parse(body)) as Partial<Fake>;
    const known = this.#items(path).get(keyOf(namespace, name));
    if (method !== "POST" && !known) return refuse(response, { status: 404, message: `${name} not found` });
    const wanted = given.metadata?.["resourceVersion"];
    if (method === "PUT" && wanted !== undefined && wanted !== known?.metadata["resourceVersion"])
      return refuse(response, { status: 409, message: "the object has been modified" });
    if (method === "GET") return reply(response, 200, known);
    const prefix = given.metadata?.["generateName"] as string | undefined;
    const made = given.metadata?.name ?? (name || `${prefix ?? ""}${this.#revision}`);
    if (method === "POST" && this.#items(path).has(keyOf(namespace, made)))
      return refuse(response, { status: 409, message: `${made} already exists` });
    if (method === "DELETE") this.remove(path, name, namespace);
    else
      this.put(path, {
        ...(method === "PATCH"
          ? { ...known, ...given, status: patched(known?.["status"], given["status"]) }
          : given),
        metadata: {
          ...known?.metadata,
          ...given.metadata,
          name: made,
          ...(namespace !== "" && { namespace }),
        },
      });
    return reply(response, 200, this.get(path, made, namespace) ?? {});
  }

  #items(path: string): Map<string, Fake> {
    const items = this.#collections.get(path) ?? new Map<string, Fake>();
    this.#collections.set(path, items);
    return items;
  }

  #tell(path: string, type: string, object: Fake): void {
    const line = lineOf(type, object);
    this.#events.push({ revision: this.#revision, path, object, line });
    for (const watcher of this.#watchers)
      if (watcher.path === path && watcher.wants(object) && !this.#isPaused) watcher.response.write(line);
  }
}

/** As a strategic patch: conditions are known by their types. */
function patched(known: unknown, given: unknown): object {
  type Status = { readonly conditions?: readonly { readonly type: string }[] };
  const [before, now] = [(known ?? {}) as Status, (given ?? {}) as Status];
  const conditions = new Map(
    [...(before.conditions ?? []), ...(now.conditions ?? [])].map((each) => [each.type, each]),
  );
  return { ...before, ...now, conditions: [...conditions.values()] };
}

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

/** By namespace, `a=b,c=d` of labels, and `spec.nodeName`. */
function selectorOf(query: URLSearchParams, namespace: string): Wanted {
  const labels = (query.get("labelSelector") ?? "").split(",").filter((each) => each !== "");
  const node = /^spec\.nodeName=(.+)$/.exec(query.get("fieldSelector") ?? "")?.[1];
  return ({ metadata, spec }) => {
    const own = (metadata["labels"] ?? {}) as Readonly<Record<string, string>>;
    const isLabelled = labels.every((each) => own[each.split("=")[0] ?? ""] === each.split("=")[1]);
    const isThere = node === undefined || (spec as { nodeName?: string } | undefined)?.nodeName === node;
    return isLabelled && isThere && (namespace === "" || metadata.namespace === namespace);
  };
}

const lineOf = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function refuse(
  response: ServerResponse,
  { status, message = `answered ${status}`, headers }: Refusal,
): void {
  response
    .writeHead(status, { "content-type": "application/json", ...headers })
    .end(JSON.stringify({ kind: "Status", code: status, message }));
}
