import { randomInt } from "node:crypto";
import { int32, varint, WireError } from "#rsync/integers.ts";
import { MESSAGE, type RsyncStream } from "#rsync/stream.ts";
import { shakeHands } from "./handshake.ts";
import { Refusal } from "./refusal.ts";
import { Sender } from "./sender.ts";
import type { TorrentFile } from "./torrent_file.ts";

/** How long a client may take. */
export interface SessionLimits {
  /** For the handshake and the file list. */
  readonly handshakeMs: number;
  /** For everything after that. */
  readonly transferMs: number;
}

/**
 * None of the flags that a server may offer (compat.c: CF_*): no incremental file lists, no negotiation of checksum and
 * compression. So both are MD5 and zlib, as with every server before rsync 3.2.
 */
const COMPATIBILITY = 0;

/**
 * Serves one client from greeting to farewell. Resolves when the client has its answer, even if that is a refusal.
 * Rejects with WireError if the client does not speak rsync, is too slow, or disconnects.
 */
export async function serveSession(
  stream: RsyncStream,
  { files, limits, admit }: {
    files: () => readonly TorrentFile[];
    limits: SessionLimits;
    /** Called when the client has named the module. Returns whether there is room for it. */
    admit: () => boolean;
  },
): Promise<void> {
  stream.limit(limits.handshakeMs);
  const handshake = await shakeHands(stream, { admit });
  if (handshake === undefined) return await stream.finish();
  const { protocol, request } = handshake;
  const seed = request instanceof Refusal ? 0 : request.checksumSeed || randomInt(1, 0x7fffffff);
  if (protocol >= 30) stream.write(varint(COMPATIBILITY));
  stream.write(int32(seed));
  await stream.flush();
  stream.frameOutput();
  if (protocol >= 30) stream.frameInput(onMessage);
  try {
    if (request instanceof Refusal) throw request;
    const sender = new Sender(stream, { protocol, request, seed, files: files() });
    await sender.sendList();
    stream.limit(limits.transferMs);
    await sender.serve();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const text = new TextEncoder().encode(`${error.message}\n`);
    stream.message(protocol >= 30 ? MESSAGE.error : MESSAGE.transferError, text);
    if (protocol >= 31) stream.message(MESSAGE.errorExit, int32(error.exitCode));
  }
  await stream.finish();
}

/** Ignores the client's messages, except that it gave up. */
function onMessage(kind: number): void {
  if (kind === MESSAGE.errorExit) throw new WireError("it gave up");
}
