// Watches outlast their requests: whoever is no longer who he was when he asked hears no more.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { UnavailableError } from "../../../base/errors.ts";
import type { Identify } from "./identify.ts";

export class OpenWatches {
  readonly #identify: Identify;
  readonly #open = new Set<FastifyRequest>();

  constructor(identify: Identify) {
    this.#identify = identify;
  }

  /** Before the first route is added, after those that say who asks. */
  follow(app: FastifyInstance): void {
    app.addHook("preHandler", (request, reply, done) => {
      // Who is a ServiceAccount the API server would be asked, for each of thousands of nodes.
      if (request.rule?.url === "/watch" && request.caller?.by !== "account") {
        this.#open.add(request);
        reply.raw.once("close", () => this.#open.delete(request));
      }
      done();
    });
  }

  /** Call it every second. */
  async look(): Promise<void> {
    for (const request of [...this.#open]) if (!(await this.#isAsBefore(request))) request.raw.destroy();
  }

  async #isAsBefore({ raw, caller: before }: FastifyRequest): Promise<boolean> {
    try {
      const now = await this.#identify(raw);
      if (typeof now === "string") return false;
      return now.name === before?.name && now.role === before.role && now.owns === before.owns;
    } catch (error) {
      // Whoever would know cannot be asked: as before.
      if (error instanceof UnavailableError) return true;
      throw error;
    }
  }
}
