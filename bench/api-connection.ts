// One connection to a daemon that asks one thing at a time: cheap enough that the machine's cores are left to what is measured.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const END_OF_HEAD = "\r\n\r\n";

/** `POST /address` over it, as JSON; resolves with the reply's body. */
export class ApiConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #answer: { resolve: (body: string) => void; reject: (error: Error) => void } | undefined;
  #received = "";

  private constructor(socket: Socket, port: number) {
    this.#socket = socket.setNoDelay(true).setEncoding("latin1");
    this.#host = `127.0.0.1:${port}`;
    socket.on("data", (chunk: string) => this.#take(chunk));
    socket.on("close", () => this.#answer?.reject(new Error(`${this.#host} closed the connection`)));
    socket.on("error", () => undefined);
  }

  static async open(port: number): Promise<ApiConnection> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new ApiConnection(socket, port);
  }

  post(path: string, body: string): Promise<string> {
    const head = `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/json\r\n`;
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      this.#socket.write(`${head}content-length: ${Buffer.byteLength(body)}${END_OF_HEAD}${body}`);
    });
  }

  close(): void {
    this.#answer = undefined;
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    this.#received += chunk;
    const end = this.#received.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#received)?.[1];
    const body = this.#received.slice(end + END_OF_HEAD.length);
    if (body.length < Number(length)) return;
    const isGood = this.#received.startsWith("HTTP/1.1 200 ");
    const [answer, text] = [this.#answer, this.#received];
    this.#received = "";
    if (isGood) answer?.resolve(body);
    else answer?.reject(new Error(text));
  }
}
