/** Reads a passphrase: never from the command line, which other users can see, and never shown. */
import { Passphrase } from "#contract/api/encryption.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { UsageError } from "../words/usage.ts";

const MAX_BYTES = 4096;
const CTRL_C = "\x03", CTRL_D = "\x04", CTRL_U = "\x15";

/** Throws UsageError, or RackseedError if it cannot be read. */
export async function passphraseFromFile(path: string): Promise<string> {
  return proven(await firstLineOf(path, "passphrase"));
}

/** The first line of a file; "-" is standard input. `what`: for messages. Throws RackseedError. */
export async function firstLineOf(path: string, what: string): Promise<string> {
  let text: string;
  try {
    text = path === "-" ? await readStart(Deno.stdin.readable) : await readFile(path);
  } catch (error) {
    throw new RackseedError(`cannot read the ${what} from ${path === "-" ? "standard input" : path}`, {
      reason: `${messageOf(error)}.`,
      remedy: `name a readable file whose first line is the ${what}.`,
      status: 400,
    });
  }
  return text.split(/\r?\n/)[0] ?? "";
}

/** Asks twice at the terminal. Throws UsageError if there is none, or the two differ. */
export async function askPassphrase(what: string): Promise<string> {
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError(
      `${what} needs a passphrase, and there is no terminal to ask at: give --passphrase-file FILE`,
    );
  }
  const passphrase = proven(await askHidden(`Passphrase for ${what}: `));
  if (await askHidden("Once more: ") !== passphrase) throw new UsageError("the two passphrases differ");
  return passphrase;
}

/** The value must not appear in the message. */
function proven(text: string): string {
  const passphrase = Passphrase.safeParse(text);
  if (passphrase.success) return passphrase.data;
  throw new UsageError(passphrase.error.issues.map(({ message }) => message).join("; "));
}

/** Reads a line that is not shown. Throws UsageError if the person stops. */
export async function askHidden(question: string): Promise<string> {
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  const say = (text: string) => Deno.stderr.writeSync(encoder.encode(text));
  // first of all: what is typed early would be shown
  Deno.stdin.setRaw(true);
  say(question);
  let line: string[] = [];
  try {
    const buffer = new Uint8Array(256);
    for (;;) {
      const got = await Deno.stdin.read(buffer);
      if (got === null) return line.join("");
      for (const key of decoder.decode(buffer.subarray(0, got), { stream: true })) {
        if (key === "\r" || key === "\n" || key === CTRL_D) return line.join("");
        if (key === CTRL_C) throw new UsageError("stopped; nothing was ordered");
        if (key === "\x7f" || key === "\b") line.pop();
        else if (key === CTRL_U) line = [];
        else if (line.length < MAX_BYTES) line.push(key);
      }
    }
  } finally {
    Deno.stdin.setRaw(false);
    say("\n");
  }
}

async function readFile(path: string): Promise<string> {
  using file = await Deno.open(path);
  return await readStart(file.readable);
}

async function readStart(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("\n") || text.length > MAX_BYTES) break;
  }
  return text;
}
