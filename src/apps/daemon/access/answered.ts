// Tells of each request once its answer is decided, whether who asked still hears it or has hung up: the framework's `onResponse` is silent then.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyInstance {
    /** Who is told, in the order of asking. */
    tellAnswered: Tell[];
  }
  interface FastifyRequest {
    isTold: boolean;
  }
}

type Tell = (request: FastifyRequest, reply: FastifyReply) => void;

/** Before the first route is added. */
export function onAnswered(app: FastifyInstance, tell: Tell): void {
  if (app.hasDecorator("tellAnswered")) {
    app.tellAnswered.push(tell);
    return;
  }
  app.decorate("tellAnswered", [tell]);
  app.decorateRequest("isTold", false);
  const answered: Tell = (request, reply) => {
    if (request.isTold) return;
    request.isTold = true;
    for (const each of app.tellAnswered) each(request, reply);
  };
  app.addHook("onResponse", (request, reply, done) => {
    answered(request, reply);
    done();
  });
  app.addHook("onSend", (request, reply, _payload, done) => {
    const { raw } = reply;
    if (raw.destroyed) answered(request, reply);
    else raw.once("close", () => answered(request, reply));
    done();
  });
}
