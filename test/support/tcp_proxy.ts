/** Passes TCP connections on, and counts what goes through. */
export class TcpProxy implements AsyncDisposable {
  /** Bytes from the server. */
  received = 0;
  /** It then ends every connection. */
  isDown = false;
  readonly url: URL;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running = new Set<Promise<void>>();

  /** `onSent` sees each chunk that goes to the server; it may throw to cut the connection. */
  constructor(to: URL, onSent: (chunk: Uint8Array) => void = () => {}) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.url = new URL(`http://127.0.0.1:${this.#listener.addr.port}`);
    this.#run(this.#accept(to, onSent));
  }

  #run(work: Promise<void>): void {
    const caught = work.catch(() => {}).finally(() => this.#running.delete(caught));
    this.#running.add(caught);
  }

  async #accept({ hostname, port }: URL, onSent: (chunk: Uint8Array) => void): Promise<void> {
    for await (const client of this.#listener) {
      this.#open.add(client);
      if (this.isDown) {
        this.#close(client);
        continue;
      }
      const connect = async () => {
        const server = await Deno.connect({ hostname, port: Number(port) });
        this.#open.add(server);
        await Promise.all([
          pass(client, server, (chunk) => {
            if (this.isDown) throw new Error("the line is cut");
            onSent(chunk);
          }),
          pass(server, client, ({ length }) => void (this.received += length)),
        ]).catch(() => {});
        for (const connection of [client, server]) this.#close(connection);
      };
      this.#run(connect().catch(() => this.#close(client)));
    }
  }

  #close(connection: Deno.TcpConn): void {
    if (!this.#open.delete(connection)) return;
    try {
      connection.close();
    } catch {
      // the stream has closed it
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of [...this.#open]) this.#close(connection);
    await Promise.all(this.#running);
  }
}

async function pass(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  onChunk: (chunk: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let got = await from.read(buffer); got !== null; got = await from.read(buffer)) {
    const chunk = buffer.subarray(0, got);
    onChunk(chunk);
    for (let at = 0; at < got;) at += await to.write(chunk.subarray(at));
  }
  await to.closeWrite();
}
