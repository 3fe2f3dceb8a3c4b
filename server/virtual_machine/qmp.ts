/**
 * A QEMU Machine Protocol client (QEMU docs/interop/qmp-spec) over the standard streams of QEMU: JSON lines, one answer
 * per command in order, with asynchronous events in between.
 */
import { messageOf } from "#contract/errors.ts";

/** Longest line that is read; the guest has no influence on any. */
const MAX_LINE = 1 << 20;

export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Message extends Partial<QmpEvent> {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: Error) => void;
}

export class Qmp {
  /** Resolves when QEMU has closed the stream. */
  readonly closed: Promise<void>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #pending: Pending[] = [];
  readonly #onEvent: (event: QmpEvent) => void;
  #end: Error | undefined;

  constructor(
    { stdin, stdout }: {
      stdin: WritableStream<Uint8Array<ArrayBuffer>>;
      stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
    },
    { onEvent }: { onEvent: (event: QmpEvent) => void },
  ) {
    this.#writer = stdin.getWriter();
    this.#onEvent = onEvent;
    this.closed = this.#receive(stdout).then(
      () => this.#fail(new Error("QEMU has ended")),
      (error) => this.#fail(new Error(`QEMU cannot be understood: ${messageOf(error)}`)),
    );
  }

  /** Throws if QEMU refuses the command, or ends. */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#end) throw this.#end;
    const answer = new Promise((resolve, reject) => this.#pending.push({ resolve, reject }));
    // it may be rejected while the command is being written
    answer.catch(() => {});
    const line = JSON.stringify({ execute: command, arguments: args }) + "\n";
    await this.#writer.write(new TextEncoder().encode(line));
    return await answer;
  }

  /** What the monitor for people answers to a command that QMP lacks. */
  async ask(commandLine: string): Promise<string> {
    return String(await this.execute("human-monitor-command", { "command-line": commandLine }));
  }

  async #receive(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE) throw new Error("a line is too long");
      for (const line of lines) if (line.trim() !== "") this.#dispatch(JSON.parse(line));
    }
  }

  #dispatch(message: Message): void {
    if (message.error) this.#pending.shift()?.reject(new Error(`QEMU: ${message.error.desc}`));
    else if ("return" in message) this.#pending.shift()?.resolve(message.return);
    else if (message.event !== undefined) this.#onEvent(message as QmpEvent);
  }

  #fail(error: Error): void {
    this.#end = error;
    for (const pending of this.#pending.splice(0)) pending.reject(error);
    this.#writer.close().catch(() => {});
  }
}
