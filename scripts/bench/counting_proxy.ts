/** Forwards TCP connections and counts their bytes in both directions. */
export class CountingProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #target: Deno.ConnectOptions;
  readonly #accepting: Promise<void>;
  #bytes = 0;

  constructor(target: { hostname: string; port: number }) {
    this.#target = target;
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** The payload of all connections so far. */
  get bytes(): number {
    return this.#bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) this.#close(connection);
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      this.#open.add(client);
      this.#carry(client).catch(() => {}).finally(() => this.#close(client));
    }
  }

  async #carry(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect(this.#target);
    this.#open.add(server);
    const pass = (from: Deno.Conn, to: Deno.Conn) =>
      from.readable.pipeThrough(this.#counter()).pipeTo(to.writable);
    try {
      await Promise.all([pass(client, server), pass(server, client)]);
    } finally {
      this.#close(server);
    }
  }

  #counter(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
    return new TransformStream({
      transform: (chunk, controller) => {
        this.#bytes += chunk.length;
        controller.enqueue(chunk);
      },
    });
  }

  #close(connection: Deno.Conn): void {
    this.#open.delete(connection);
    try {
      connection.close();
    } catch {
      // Its streams have closed it.
    }
  }
}
