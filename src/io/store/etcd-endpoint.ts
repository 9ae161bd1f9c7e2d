// One client URL of etcd: its channel, made when it is used, and calls on it. Never tries anything twice: that is the client's.
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import {
  ChannelCredentials,
  Client,
  type ClientDuplexStream,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { type Clock, type Duration, Seconds } from "../../base/clock.ts";
import type { Pems } from "../files/pem-files.ts";
import { EtcdError, failureOf, unreadable, unsent } from "./etcd-errors.ts";
import type { Header } from "./etcd-messages.ts";
import { type Method, methods } from "./etcd-proto.ts";

export type EndpointOptions = {
  /** `https://HOST:PORT` or `http://HOST:PORT`. */
  readonly url: string;
  /** Asked for each new connection, so that certificates may be renewed in place. */
  readonly tls: () => Pems;
  readonly clock: Clock;
  /** Called with what a new connection says of itself; throws to refuse it. */
  readonly greet: (greeting: Greeting) => void;
};
export type Greeting = { readonly endpoint: string; readonly header: Header; readonly version: string };
export type CallTerms = { readonly within: Duration; readonly token: string | undefined };
export type Stream<Request, Response> = ClientDuplexStream<Request, Response>;

const CHANNEL_OPTIONS = {
  // Half as often as etcd allows at most (`--grpc-keepalive-min-time` 5 s).
  "grpc.keepalive_time_ms": Seconds(10),
  "grpc.keepalive_timeout_ms": Seconds(5),
  // A page of entries, or the events of many transactions, may be large.
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  // Each endpoint has its connection to itself, is tried again when we say so, and through no proxy of the environment.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
};
/** An address is no server name (RFC 6066 section 3), and gRPC would send it as one; what is checked is the address all the same. */
const NO_NAME = { "grpc.ssl_target_name_override": "etcd" };

const LEFT = Object.assign(new Error("the connection was left"), { code: status.UNAVAILABLE });

type Channel = { readonly client: Client; readonly greeted: Promise<void>; readonly left: AbortController };

export class EtcdEndpoint {
  readonly url: string;
  readonly #options: EndpointOptions;
  #channel: Channel | undefined;
  #connection = 0;

  constructor(options: EndpointOptions) {
    this.url = options.url;
    this.#options = options;
  }

  /** The one answer to one request; of a method with streams too. Rejects with EtcdError. */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    terms: CallTerms,
  ): Promise<Response> {
    const { client } = await this.#greeted(terms.within);
    return method.requestStream
      ? this.#exchange(client, method, request, terms)
      : this.#ask(client, method, request, terms);
  }

  /** A stream that lasts as long as the connection; its errors are those of gRPC: see `errorOf`. */
  async open<Request, Response>(
    method: Method<Request, Response>,
    { within, token }: CallTerms,
  ): Promise<Stream<Request, Response>> {
    const { client, left } = await this.#greeted(within);
    const stream = streamOf(client, method, metadataOf(token), {});
    const end = (): void => void stream.destroy(LEFT);
    left.signal.addEventListener("abort", end);
    stream.once("close", () => left.signal.removeEventListener("abort", end));
    return stream;
  }

  /** What a call or stream of this endpoint failed with. */
  errorOf(error: unknown): EtcdError {
    if (error instanceof EtcdError) return error;
    const { code, details, message } = error as ServiceError;
    const reason = details || message;
    return new EtcdError(failureOf(reason, code), { endpoint: this.url, reason });
  }

  /** Counts how often the endpoint was left. */
  get connection(): number {
    return this.#connection;
  }

  /** Leaves the connection: streams end, calls under way may be answered, the next call makes a new one. */
  reset(): void {
    this.#connection++;
    this.#drop();
  }

  #drop(): void {
    this.#channel?.client.close();
    this.#channel?.left.abort();
    this.#channel = undefined;
  }

  /** Nothing but a greeting goes over a connection before it is known whose it is. */
  async #greeted(within: Duration): Promise<Channel> {
    const channel = (this.#channel ??= this.#connect(within));
    await channel.greeted;
    return channel;
  }

  #connect(within: Duration): Channel {
    const { url, greet } = this.#options;
    const options = { ...CHANNEL_OPTIONS, ...(isIP(hostOf(url)) === 0 ? {} : NO_NAME) };
    const client = new Client(targetOf(url), this.#credentials(), options);
    const greeted = this.#ask(client, methods.status, {}, { within, token: undefined }).then(
      (said) => greet({ endpoint: url, ...said }),
      (error: unknown) => {
        throw unsent(error);
      },
    );
    greeted.catch(() => {
      if (this.#channel?.client === client) this.#drop();
    });
    return { client, greeted, left: new AbortController() };
  }

  #credentials(): ChannelCredentials {
    const { url, tls } = this.#options;
    if (!url.startsWith("https:")) return ChannelCredentials.createInsecure();
    try {
      const { ca, cert, key } = tls();
      return ChannelCredentials.createSsl(ca ?? null, key ?? null, cert ?? null, {
        checkServerIdentity: (_name, shown) => checkServerIdentity(hostOf(url), shown),
      });
    } catch (error) {
      throw unreadable(url, error);
    }
  }

  #ask<Request, Response>(
    client: Client,
    { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
    request: Request,
    { within, token }: CallTerms,
  ): Promise<Response> {
    const deadline = this.#options.clock.now() + within;
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadataOf(token),
        { deadline },
        (error, response) => (response === undefined ? reject(this.errorOf(error)) : resolve(response)),
      );
    });
  }

  /** One question and one answer on a stream. */
  #exchange<Request, Response>(
    client: Client,
    method: Method<Request, Response>,
    request: Request,
    { within, token }: CallTerms,
  ): Promise<Response> {
    const deadline = this.#options.clock.now() + within;
    const stream = streamOf(client, method, metadataOf(token), { deadline });
    return new Promise((resolve, reject) => {
      stream.once("data", (response: Response) => {
        resolve(response);
        stream.cancel();
      });
      // The cancellation above comes back as an error, and changes nothing any more.
      stream.on("error", (error) => reject(this.errorOf(error)));
      stream.once("end", () => reject(this.errorOf(new Error("the stream ended without an answer"))));
      stream.end(request);
    });
  }
}

function streamOf<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
  metadata: Metadata,
  options: { readonly deadline?: number },
): Stream<Request, Response> {
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options);
}

/** `hasleader`: a member cut off from the others says so at once, and ends streams, instead of letting us wait. */
function metadataOf(token: string | undefined): Metadata {
  const metadata = new Metadata();
  metadata.set("hasleader", "true");
  if (token !== undefined) metadata.set("token", token);
  return metadata;
}

export const ENDPOINT = /^(https?):\/\/(\[[0-9a-fA-F:]+\]|[^:/[\]\s]+):(\d{1,5})\/?$/;

/** Without the brackets of an IPv6 address. */
const hostOf = (url: string): string => (ENDPOINT.exec(url)?.[2] ?? "").replace(/^\[(.*)\]$/, "$1");

function targetOf(url: string): string {
  const [, , host = "", port = ""] = ENDPOINT.exec(url) ?? [];
  return `dns:${host}:${port}`;
}
