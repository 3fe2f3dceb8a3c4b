/**
 * A QEMU Machine Protocol client (QEMU docs/interop/qmp-spec): JSON lines, one answer per command in order, with
 * asynchronous events in between. QEMU connects to our socket, so that we need not wait for its start.
 */
interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

interface Message {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly QMP?: unknown;
}

export class QmpListener implements Disposable {
  readonly #listener: Deno.UnixListener;

  constructor(path: string) {
    this.#listener = Deno.listen({ transport: "unix", path });
  }

  /** Waits for QEMU's greeting and leaves capabilities negotiation mode. */
  async accept(): Promise<Qmp> {
    const qmp = new Qmp(await this.#listener.accept());
    await qmp.execute("qmp_capabilities");
    return qmp;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

export class Qmp implements Disposable {
  readonly #connection: Deno.Conn;
  readonly #pending: Pending[] = [];
  #closed = false;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.#receive().catch((error) => this.#fail(error)).finally(() => this.#fail(new Error("QMP closed")));
  }

  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#closed) throw new Error(`QMP closed before ${command}`);
    const answer = new Promise((resolve, reject) => this.#pending.push({ resolve, reject }));
    const line = JSON.stringify({ execute: command, arguments: args }) + "\n";
    await this.#connection.write(new TextEncoder().encode(line));
    return await answer;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#fail(new Error("QMP closed"));
    this.#connection.close();
  }

  async #receive(): Promise<void> {
    let rest = "";
    for await (const text of this.#connection.readable.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#dispatch(JSON.parse(line) as Message);
    }
  }

  #dispatch(message: Message): void {
    if (message.error) this.#pending.shift()?.reject(new Error(`QMP: ${message.error.desc}`));
    else if ("return" in message) this.#pending.shift()?.resolve(message.return);
  }

  #fail(error: Error): void {
    this.#closed = true;
    for (const pending of this.#pending.splice(0)) pending.reject(error);
  }
}
