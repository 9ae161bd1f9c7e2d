// An API server of Kubernetes that is nothing but its lists, watches and writes, and fails when told to: for tests of those that use it.
import { createServer } from "node:http";
const FORM = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/[a-z]))?\/([a-z]+)(?:\/([^/]+))?(?:\/status)?$/;
export async function startFakeKube() {
    const server = new Server();
    const http = createServer((request, response) => void server.answer(request, response));
    await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address();
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
class Server {
    asked = [];
    #collections = new Map();
    #watchers = new Set();
    #pages = new Map();
    #events = [];
    #revision = 1;
    #oldest = 1;
    #isPaused = false;
    #refuse = () => undefined;
    get watchers() {
        return this.#watchers.size;
    }
    put(path, object) {
        const items = this.#items(path);
        const key = keyOf(object.metadata.namespace ?? "", object.metadata.name);
        const type = items.has(key) ? "MODIFIED" : "ADDED";
        const resourceVersion = `${++this.#revision}`;
        const uid = items.get(key)?.metadata["uid"] ?? object.metadata["uid"] ?? `uid-${resourceVersion}`;
        const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion } };
        items.set(key, stored);
        this.#tell(path, type, stored);
    }
    remove(path, name, namespace = "") {
        const object = this.#items(path).get(keyOf(namespace, name));
        if (!object)
            return;
        this.#items(path).delete(keyOf(namespace, name));
        const metadata = { ...object.metadata, resourceVersion: `${++this.#revision}` };
        this.#tell(path, "DELETED", { ...object, metadata });
    }
    get(path, name, namespace = "") {
        return this.#items(path).get(keyOf(namespace, name));
    }
    all(path) {
        return [...this.#items(path).values()];
    }
    bookmark() {
        const object = { metadata: { name: "", resourceVersion: `${this.#revision}` } };
        for (const { response } of this.#watchers)
            response.write(lineOf("BOOKMARK", object));
    }
    cut() {
        for (const { response } of this.#watchers)
            response.write('{"type":"ADD', () => response.destroy());
        this.#watchers.clear();
    }
    end() {
        for (const { response } of this.#watchers)
            response.end();
        this.#watchers.clear();
    }
    compact() {
        this.#events = [];
        this.#oldest = ++this.#revision;
        this.#pages.clear();
    }
    refuse(how) {
        this.#refuse = how;
    }
    pause() {
        this.#isPaused = true;
    }
    async answer(request, response) {
        const chunks = [];
        for await (const chunk of request)
            chunks.push(chunk);
        const body = Buffer.concat(chunks).toString();
        const url = new URL(request.url ?? "", "http://kube");
        const { method = "" } = request;
        this.asked.push(`${method} ${request.url ?? ""}`);
        if (this.#isPaused)
            return;
        const refusal = this.#refuse(method, url.pathname);
        const [, version = "", namespace = "", plural = "", name = ""] = FORM.exec(url.pathname) ?? [];
        const target = { path: `${version}/${plural}`, namespace, name };
        if (refusal)
            refuse(response, refusal);
        else if (method === "GET" && name === "")
            this.#list(url.searchParams, target, response);
        else
            this.#single(method, body, target, response);
    }
    #list(query, { path, namespace }, response) {
        const wants = selectorOf(query, namespace);
        if (query.get("watch") === "true")
            return this.#watch(Number(query.get("resourceVersion")), path, wants, response);
        const token = query.get("continue");
        const [revision = `${this.#revision}`] = token?.split(" ") ?? [];
        const items = token === null ? [...this.#items(path).values()] : this.#pages.get(token);
        if (!items)
            return refuse(response, { status: 410, message: "the continue token is too old" });
        const limit = Number(query.get("limit") ?? Infinity);
        const rest = items.slice(limit);
        const next = `${revision} ${this.#pages.size}`;
        if (rest.length > 0)
            this.#pages.set(next, rest);
        const page = items.slice(0, limit).filter(wants);
        const more = rest.length > 0 ? { continue: next } : {};
        reply(response, 200, { metadata: { resourceVersion: revision, ...more }, items: page });
    }
    #watch(from, path, wants, response) {
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
            if (event.path === path && event.revision > from && wants(event.object))
                response.write(event.line);
    }
    #single(method, body, { path, namespace, name }, response) {
        const given = (body === "" ? {} : JSON.parse(body));
        const known = this.#items(path).get(keyOf(namespace, name));
        if (method !== "POST" && !known)
            return refuse(response, { status: 404, message: `${name} not found` });
        const wanted = given.metadata?.["resourceVersion"];
        if (method === "PUT" && wanted !== undefined && wanted !== known?.metadata["resourceVersion"])
            return refuse(response, { status: 409, message: "the object has been modified" });
        if (method === "GET")
            return reply(response, 200, known);
        const prefix = given.metadata?.["generateName"];
        const made = given.metadata?.name ?? (name || `${prefix ?? ""}${this.#revision}`);
        if (method === "POST" && this.#items(path).has(keyOf(namespace, made)))
            return refuse(response, { status: 409, message: `${made} already exists` });
        if (method === "DELETE")
            this.remove(path, name, namespace);
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
    #items(path) {
        const items = this.#collections.get(path) ?? new Map();
        this.#collections.set(path, items);
        return items;
    }
    #tell(path, type, object) {
        const line = lineOf(type, object);
        this.#events.push({ revision: this.#revision, path, object, line });
        for (const watcher of this.#watchers)
            if (watcher.path === path && watcher.wants(object) && !this.#isPaused)
                watcher.response.write(line);
    }
}
/** As a strategic patch: conditions are known by their types. */
function patched(known, given) {
    const [before, now] = [(known ?? {}), (given ?? {})];
    const conditions = new Map([...(before.conditions ?? []), ...(now.conditions ?? [])].map((each) => [each.type, each]));
    return { ...before, ...now, conditions: [...conditions.values()] };
}
const keyOf = (namespace, name) => `${namespace}/${name}`;
/** By namespace, `a=b,c=d` of labels, and `spec.nodeName`. */
function selectorOf(query, namespace) {
    const labels = (query.get("labelSelector") ?? "").split(",").filter((each) => each !== "");
    const node = /^spec\.nodeName=(.+)$/.exec(query.get("fieldSelector") ?? "")?.[1];
    return ({ metadata, spec }) => {
        const own = (metadata["labels"] ?? {});
        const isLabelled = labels.every((each) => own[each.split("=")[0] ?? ""] === each.split("=")[1]);
        const isThere = node === undefined || spec?.nodeName === node;
        return isLabelled && isThere && (namespace === "" || metadata.namespace === namespace);
    };
}
const lineOf = (type, object) => `${JSON.stringify({ type, object })}\n`;
function reply(response, status, body) {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
function refuse(response, { status, message = `answered ${status}`, headers }) {
    response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify({ kind: "Status", code: status, message }));
}
