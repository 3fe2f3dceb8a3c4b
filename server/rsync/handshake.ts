/**
 * The handshake of a session (rsync's clientserver.c), line by line:
 *
 *     server  @RSYNCD: 31.0
 *     client  @RSYNCD: 31.0 …            both then use the lower version
 *     client  MODULE                     or #list, or an empty line, to list the modules
 *     server  @RSYNCD: OK                or @ERROR: …, or the modules and @RSYNCD: EXIT
 *     client  its arguments, each ended by NUL (by a newline before protocol 30), then an empty one
 */
import type { RsyncStream } from "#rsync/stream.ts";
import { parseArguments, type SenderRequest } from "./options.ts";
import { EXIT, quoted, Refusal } from "./refusal.ts";
import { MODULE } from "./selection.ts";

const NEWEST = 31, OLDEST = 27;
const COMMENT = "torrent files of the published image versions";
const MAX_LINE_BYTES = 1024;
const MAX_ARGUMENTS = 256;
const MAX_ARGUMENTS_BYTES = 32 * 1024;
const NEWLINE = 10;

interface Handshake {
  readonly protocol: number;
  /** The client's request, or why it is refused. */
  readonly request: SenderRequest | Refusal;
}

/** Undefined if the client has its answer already. Throws WireError. */
export async function shakeHands(
  stream: RsyncStream,
  { admit }: { admit: () => boolean },
): Promise<Handshake | undefined> {
  writeLines(stream, `@RSYNCD: ${NEWEST}.0`);
  await stream.flush();
  const greeting = await readLine(stream);
  const protocol = protocolOf(greeting);
  if (protocol === undefined) return writeLines(stream, "@ERROR: protocol startup error");
  if (protocol < OLDEST) {
    return writeLines(stream, `@ERROR: protocol ${protocol} is too old, ${OLDEST} is the oldest here`);
  }
  const module = await readLine(stream);
  if (module === "" || module === "#list") {
    return writeLines(stream, `${MODULE.padEnd(15)}\t${COMMENT}`, "@RSYNCD: EXIT");
  }
  if (module.startsWith("#")) return writeLines(stream, `@ERROR: Unknown command ${quoted(module)}`);
  if (module !== MODULE) return writeLines(stream, `@ERROR: Unknown module ${quoted(module)}`);
  if (!admit()) return writeLines(stream, "@ERROR: max connections reached -- try again later");
  writeLines(stream, "@RSYNCD: OK");
  await stream.flush();
  try {
    const args = await readArguments(stream, { end: protocol >= 30 ? 0 : NEWLINE });
    const request = parseArguments(args, { protocol });
    if (!request.secluded) return { protocol, request };
    // the other arguments follow, after the program's name
    const [, ...rest] = await readArguments(stream, { end: 0 });
    return { protocol, request: parseArguments([...args, ...rest], { protocol }) };
  } catch (error) {
    if (error instanceof Refusal) return { protocol, request: error };
    throw error;
  }
}

function writeLines(stream: RsyncStream, ...lines: string[]): undefined {
  for (const text of lines) stream.write(new TextEncoder().encode(`${text}\n`));
}

async function readLine(stream: RsyncStream): Promise<string> {
  return textOf(await stream.readUntil(NEWLINE, { maxBytes: MAX_LINE_BYTES })).replace(/\r$/, "");
}

/** "@RSYNCD: 31.0 sha512 md5". A number above 0 after the dot marks a pre-release: then use the version before. */
function protocolOf(greeting: string): number | undefined {
  const [, version, draft = "0"] = /^@RSYNCD: (\d{1,3})(?:\.(\d{1,9}))?(?: |$)/.exec(greeting) ?? [];
  if (version === undefined) return undefined;
  const theirs = Number(version);
  return theirs > NEWEST ? NEWEST : Number(draft) > 0 ? theirs - 1 : theirs;
}

async function readArguments(stream: RsyncStream, { end }: { end: number }): Promise<string[]> {
  const args: string[] = [];
  for (let left = MAX_ARGUMENTS_BYTES;;) {
    const bytes = await stream.readUntil(end, { maxBytes: left });
    if (bytes.length === 0) return args;
    args.push(textOf(bytes));
    left -= bytes.length;
    if (args.length > MAX_ARGUMENTS) throw new Refusal("ERROR: too many arguments", EXIT.unsupported);
  }
}

/** One character per byte. No name in the table has non-ASCII characters, and `quoted` makes them harmless. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
