/** A service manager's socket, made by Python as systemd makes it: at a path, or with an abstract name ("@…"). */

/** Binds, says so, and prints each datagram as a line of JSON until its standard input ends. */
const LISTENER = `
import json, select, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind("\\0" + name[1:] if name[0] == "@" else name)
print(json.dumps("bound"), flush=True)
while True:
    ready, _, _ = select.select([s, sys.stdin], [], [])
    if s in ready:
        print(json.dumps(s.recv(4096).decode()), flush=True)
    elif not sys.stdin.read(1):
        break
`;

export class NotifySocket implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = linesOf(child.stdout);
  }

  static async bind(name: string): Promise<NotifySocket> {
    const command = new Deno.Command("python3", {
      args: ["-c", LISTENER, name],
      stdin: "piped",
      stdout: "piped",
    });
    const socket = new NotifySocket(command.spawn());
    const first = await socket.next();
    if (first !== "bound") throw new Error(`the listener said ${first}`);
    return socket;
  }

  /** The next datagram. */
  async next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the listener has ended");
    return JSON.parse(value);
  }

  /** The next datagram that does not only feed the watchdog. */
  async nextState(): Promise<string> {
    for (;;) {
      const message = await this.next();
      if (message !== "WATCHDOG=1") return message;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
    await this.#lines.return(undefined);
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
