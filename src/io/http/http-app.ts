// A fastify instance with Romana's manners: strict JSON, limits, errors in the API's form, an OpenAPI document.
// Knows no route of its own.
import { isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import swagger from "@fastify/swagger";
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import { InputError, type Fault } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { PemFiles } from "../files/pem-files.ts";
import { apiError, toApiError } from "./api-error.ts";
import { schemaCompilers } from "./schemas.ts";
import { createLimitedServer, HTTP_LIMITS, type HttpLimits } from "./server.ts";

export type HttpAppOptions = {
  readonly title: string;
  readonly version: string;
  readonly limits?: HttpLimits;
  /** HTTPS with these files instead of HTTP. */
  readonly tls?: PemFiles;
};

export async function createHttpApp(
  { title, version, limits = HTTP_LIMITS, tls }: HttpAppOptions,
  { log }: { log: Log },
): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit: limits.body,
    serverFactory: (handler) => createLimitedServer(handler, limits, tls, { log }),
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
  acceptStrictJson(app);
  answerErrors(app, log);
  await app.register(swagger, {
    openapi: { openapi: "3.1.0", info: { title, version }, components: { securitySchemes } },
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => nameOf(json.$id, i) },
  });
  return app;
}

/** The ways to say who one is (OpenAPI 3.1.0, section 4.8.27): the framework's types are of an older version. */
const securitySchemes = {
  certificate: { type: "mutualTLS" },
  token: { type: "http", scheme: "bearer" },
} as unknown as Record<string, { $ref: string }>;

function answerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const body = toApiError(error);
    if (body.status_code === 500)
      log.error("request failed", {
        method: request.method,
        route: request.routeOptions.url,
        id: request.id,
        error: error.stack,
      });
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

/** What node's HTTP parser refuses never reaches fastify: answered on the bare socket. Where it is the connection that failed, as in a TLS handshake, nobody could read an answer. */
function refuseGarbage(error: Error & { code?: string }, socket: Socket): void {
  const { code = "" } = error;
  if (!socket.writable || !/^(HPE_|ERR_HTTP_)/.test(code)) {
    socket.destroy();
    return;
  }
  const [status, reason] = SOCKET_STATUS[code] ?? [400, "Bad Request"];
  const body = JSON.stringify(apiError(status, code, reason));
  const head = `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  socket.end(`${head}connection: close\r\n\r\n${body}`);
}
