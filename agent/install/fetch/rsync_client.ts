/**
 * Fetches one small file from an rsync daemon (protocol 31) as a receiver that has no old copy: a file list of one
 * entry, a transfer without block sums, and the three "done" messages that a sender waits for.
 */
import { createHash } from "node:crypto";
import { messageOf } from "#contract/errors.ts";
import { readFileList } from "#rsync/file_list.ts";
import { FileIndexes, INDEX } from "#rsync/file_indexes.ts";
import { int32, readByte, readInt32, readShortint, readVarint } from "#rsync/integers.ts";
import { shortint, WireError } from "#rsync/integers.ts";
import { MESSAGE, RsyncStream } from "#rsync/stream.ts";
import { ITEM, NO_SUMS, readLiterals, readSumHead } from "#rsync/transfer.ts";

const PROTOCOL = 31;
const DEFAULT_PORT = 873;
const CONNECT_MS = 3_000;
const IDLE_MS = 10_000;
const TOTAL_MS = 60_000;
const MAX_LINE_BYTES = 1024;
/** Longest greeting a daemon may send before it accepts the client, in lines. */
const MAX_LINES = 100;
/** Bytes allowed besides the file itself. */
const OVERHEAD_BYTES = 1024 * 1024;
const SUM_BYTES = 16;
/** compat.c: CF_INC_RECURSE and CF_VARINT_FLIST_FLAGS change the protocol, and we never request them. */
const UNWANTED_FLAGS = 1 << 0 | 1 << 7;

interface RsyncFetchOptions {
  /** A larger file is refused. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** `url`: rsync://HOST:PORT/MODULE/FILE. Throws WireError, or the system's error for the connection. */
export async function fetchByRsync(
  url: string,
  { maxBytes, signal }: RsyncFetchOptions,
): Promise<Uint8Array> {
  const { hostname, port, pathname, protocol } = new URL(url);
  const [, module, file] = /^\/([^/]+)\/([^/]+)$/.exec(decodeURIComponent(pathname)) ?? [];
  if (protocol !== "rsync:" || module === undefined || file === undefined) {
    throw new WireError(`${url} is not an rsync URL`);
  }
  const address = { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port || DEFAULT_PORT) };
  using stream = new RsyncStream(await connect(address, signal), {
    idleMs: IDLE_MS,
    totalMs: TOTAL_MS,
    maxReadBytes: maxBytes + OVERHEAD_BYTES,
  });
  const stop = () => stream[Symbol.dispose]();
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    return await receiveOver(stream, { module, file, maxBytes });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** The client's side of a session, on an open connection. */
export async function receiveOver(
  stream: RsyncStream,
  { module, file, maxBytes }: { module: string; file: string; maxBytes: number },
): Promise<Uint8Array> {
  await shakeHands(stream, { module, file });
  return await receive(stream, { file, maxBytes });
}

async function shakeHands(
  stream: RsyncStream,
  { module, file }: { module: string; file: string },
): Promise<void> {
  const text = new TextEncoder();
  const line = async () => new TextDecoder().decode(await stream.readUntil(10, { maxBytes: MAX_LINE_BYTES }));
  stream.write(text.encode(`@RSYNCD: ${PROTOCOL}.0\n`));
  await stream.flush();
  const version = Number(/^@RSYNCD: (\d+)/.exec(await line())?.[1]);
  if (!(version >= PROTOCOL)) throw new WireError(`the server does not speak rsync protocol ${PROTOCOL}`);
  stream.write(text.encode(`${module}\n`));
  await stream.flush();
  for (let left = MAX_LINES; left > 0; left--) {
    const said = await line();
    if (said === "@RSYNCD: OK") break;
    if (said.startsWith("@") || left === 1) throw new WireError(readable(said));
  }
  // -e lists the client's capabilities: none that would have to be negotiated
  const args = ["--server", "--sender", "-e.", ".", `${module}/${file}`, ""];
  stream.write(...args.map((arg) => text.encode(`${arg}\0`)));
  await stream.flush();
  if (await readVarint(stream) & UNWANTED_FLAGS) {
    throw new WireError("the server uses features that were not requested");
  }
  await readInt32(stream); // the seed of the block sums, which are not used
}

async function receive(
  stream: RsyncStream,
  { file, maxBytes }: { file: string; maxBytes: number },
): Promise<Uint8Array> {
  const noRules = int32(0);
  stream.frameOutput();
  let said = "";
  stream.frameInput((kind, bytes) => {
    if (ERRORS.has(kind)) said = readable(new TextDecoder().decode(bytes));
    if (kind === MESSAGE.errorExit || kind === MESSAGE.noSend) {
      throw new WireError(said || "the server gave up");
    }
  });
  stream.write(noRules);
  await stream.flush();
  const [entry] = await readFileList(stream, { protocol: PROTOCOL, maxEntries: 1 });
  if (entry === undefined) throw new WireError(said || `the server has no ${file}`);
  if (entry.name !== file || entry.type !== "file") {
    throw new WireError(`the server offers ${readable(entry.name)} instead`);
  }
  const { sizeBytes } = entry;
  if (sizeBytes < 0 || sizeBytes > maxBytes) throw new WireError(`a file of ${sizeBytes} bytes is too large`);

  const [ours, theirs] = [new FileIndexes(PROTOCOL), new FileIndexes(PROTOCOL)];
  const done = ours.encode(INDEX.done);
  const index = 0;
  stream.write(ours.encode(index), shortint(ITEM.transfer | ITEM.isNew), NO_SUMS, done, done, done);
  await stream.flush();
  if (await theirs.read(stream) !== index) throw new WireError(said || "the server does not send the file");
  const flags = await readShortint(stream);
  if (flags & ITEM.basisFollows) await readByte(stream);
  if (flags & ITEM.nameFollows) throw new WireError("the server sends another file");
  await readSumHead(stream);
  const bytes = await readLiterals(stream, { sizeBytes });
  const sum = createHash("md5").update(bytes).digest();
  if (!sum.equals(await stream.take(SUM_BYTES))) {
    throw new WireError("the file was corrupted on the way");
  }
  await takeLeave(stream, done);
  return bytes;
}

/** The file is complete in any case; without a farewell the daemon would log an error. */
async function takeLeave(stream: RsyncStream, done: Uint8Array): Promise<void> {
  try {
    stream.write(done, done);
    await stream.finish();
  } catch {
    // the daemon closed the connection first
  }
}

const ERRORS: ReadonlySet<number> = new Set([
  MESSAGE.error,
  MESSAGE.transferError,
  MESSAGE.warning,
]);

function readable(text: string): string {
  return text.trim().slice(0, 200).replace(/[^\x20-\x7e]/g, "?");
}

/** Deno.connect has no timeout of its own. */
async function connect(
  address: { hostname: string; port: number },
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const connecting = Deno.connect({ ...address, transport: "tcp" });
  const { promise: given, reject: giveUp } = Promise.withResolvers<never>();
  const abort = () => giveUp(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(
    () => giveUp(new WireError(`no answer within ${CONNECT_MS / 1000} s`)),
    CONNECT_MS,
  );
  try {
    return await Promise.race([connecting, given]);
  } catch (error) {
    connecting.then((late) => late.close(), () => {});
    throw error instanceof WireError ? error : new WireError(messageOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
