// Which of several replicas of the daemon is used. Whoever finds out that it does not do its part helps all others who use it.

export class Replicas {
  readonly #urls: readonly URL[];
  #at = 0;
  #left = new AbortController();

  /** `urls`: at least one. */
  constructor(urls: readonly URL[]) {
    this.#urls = urls;
  }

  get count(): number {
    return this.#urls.length;
  }

  get current(): URL {
    return this.#inTurn(0);
  }

  /** Aborts when the current one is left. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** All, the current one first. */
  inTurn(): readonly URL[] {
    return this.#urls.map((_, i) => this.#inTurn(i));
  }

  /** `url` did not do its part: the next one is used. Of many who find out, the first one counts. One alone is not left. */
  leave(url: URL): void {
    if (url === this.current) this.#move(this.#at + 1);
  }

  use(url: URL): void {
    this.#move(this.#urls.indexOf(url));
  }

  #move(to: number): void {
    const at = to % this.#urls.length;
    if (at === this.#at) return;
    this.#at = at;
    const left = this.#left;
    this.#left = new AbortController();
    left.abort();
  }

  #inTurn(i: number): URL {
    return this.#urls[(this.#at + i) % this.#urls.length] ?? new URL("http://127.0.0.1:9600");
  }
}
