// A fastify instance with Romana's manners: strict JSON, limits, errors in the API's form, an OpenAPI document.
// Knows no route of its own but `/openapi.json`.
import { isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import swagger from "@fastify/swagger";
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import { InputError, type Fault } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { apiError, toApiError } from "./api-error.ts";
import { schemaCompilers } from "./schemas.ts";

/** What one client may take of the server. Times in milliseconds. */
export const HTTP_LIMITS = {
  /** Bytes of a request's body; more is answered 413 without being read. */
  body: 4 * 1024 * 1024,
  connections: 8192,
  /** To send a whole request: a slower client is cut off. */
  request: 20_000,
  /** How often that is looked at. */
  check: 1000,
  /** Without a byte in either direction, as from a client that does not read its answer. Longer than the 5 s between bookmarks of a watch. */
  stalled: 60_000,
  /** An idle connection is kept for the next request. */
  idle: 60_000,
};

export type HttpAppOptions = {
  readonly title: string;
  readonly version: string;
  readonly limits?: typeof HTTP_LIMITS;
};

export async function createHttpApp(
  { title, version, limits = HTTP_LIMITS }: HttpAppOptions,
  { log }: { log: Log },
): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit: limits.body,
    requestTimeout: limits.request,
    connectionTimeout: limits.stalled,
    keepAliveTimeout: limits.idle,
    http: { headersTimeout: limits.request, connectionsCheckingInterval: limits.check },
    // Requests under way are answered; their connections end then.
    forceCloseConnections: "idle",
    schemaController: { compilersFactory: schemaCompilers },
    routerOptions: { maxParamLength: 1024 },
    clientErrorHandler: refuseGarbage,
    frameworkErrors: (error, _request, reply) => {
      const body = toApiError(error);
      void (reply as FastifyReply).code(body.status_code).type("application/json").send(body);
    },
  });
  app.server.maxConnections = limits.connections;
  acceptStrictJson(app);
  answerErrors(app, log);
  await app.register(swagger, {
    openapi: { openapi: "3.1.0", info: { title, version } },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => nameOf(json.$id, i) },
  });
  app.get("/openapi.json", { schema: { hide: true } }, () => app.swagger());
  return app;
}

function answerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const body = toApiError(error);
    if (body.status_code === 500)
      log.error("request failed", { method: request.method, url: request.url, error: error.stack });
    return reply.code(body.status_code).type("application/json").send(body);
  });
  app.setNotFoundHandler((request) => {
    throw unknownRoute(`${request.method} ${request.url}`);
  });
}

const nameOf = (id: unknown, index: number): string => (typeof id === "string" ? id : `schema-${index}`);

const unknownRoute = (url: string): InputError =>
  new InputError(
    { code: "ROUTE_UNKNOWN", field: "route", value: url, expected: "a route listed in /openapi.json" },
    404,
  );

/** JSON is UTF-8 (RFC 8259 section 8.1): anything else would be stored as something that nobody sent. */
function acceptStrictJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body: Buffer, done) => {
    if (isUtf8(body)) void parse(request, body.toString("utf8"), done);
    else done(new InputError(notUtf8));
  });
}

const notUtf8: Fault = { code: "UTF8", field: "body", value: "bytes", expected: "JSON in valid UTF-8" };

const SOCKET_STATUS: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout"],
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
};

/** What node's HTTP parser refuses never reaches fastify: answered on the bare socket. */
function refuseGarbage(error: Error & { code?: string }, socket: Socket): void {
  const [status, reason] = SOCKET_STATUS[error.code ?? ""] ?? [400, "Bad Request"];
  const body = JSON.stringify(apiError(status, error.code ?? "HTTP", reason));
  const head = `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  if (socket.writable && error.code !== "ECONNRESET") socket.end(`${head}connection: close\r\n\r\n${body}`);
  else socket.destroy();
}
