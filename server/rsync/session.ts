import { randomInt } from "node:crypto";
import { int32, varint, WireError } from "#rsync/integers.ts";
import { MESSAGE, type RsyncStream } from "#rsync/stream.ts";
import { shakeHands } from "./handshake.ts";
import { Refusal } from "./refusal.ts";
import { Sender } from "./sender.ts";
import type { TorrentFile } from "./torrent_file.ts";

/** How long a client may take. */
export interface SessionLimits {
  /** Until it has said what it wants. */
  readonly handshakeMs: number;
  /** From then on, in all. */
  readonly transferMs: number;
}

/**
 * None of the flags that a server may offer (compat.c: CF_*): no incremental lists, no negotiation of sums and
 * compression. So it is MD5 and zlib, as with every server before rsync 3.2.
 */
const COMPATIBILITY = 0;

/**
 * One client from its first to its last word. Resolves when it had its answer, be it a refusal; rejects with
 * WireError where it does not speak rsync, is too slow, or goes away.
 */
export async function serveSession(
  stream: RsyncStream,
  { files, limits, admit }: {
    files: () => readonly TorrentFile[];
    limits: SessionLimits;
    /** Asked when the client has named the module: whether there is room for it. */
    admit: () => boolean;
  },
): Promise<void> {
  stream.limit(limits.handshakeMs);
  const hello = await shakeHands(stream, { admit });
  if (hello === undefined) return await stream.sayFarewell();
  const { protocol, request } = hello;
  const seed = request instanceof Refusal ? 0 : request.checksumSeed || randomInt(1, 0x7fffffff);
  if (protocol >= 30) stream.write(varint(COMPATIBILITY));
  stream.write(int32(seed));
  await stream.flush();
  stream.frameOutput();
  if (protocol >= 30) stream.frameInput(onMessage);
  try {
    if (request instanceof Refusal) throw request;
    const sender = new Sender(stream, { protocol, request, seed, files: files() });
    await sender.announce();
    stream.limit(limits.transferMs);
    await sender.serve();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const text = new TextEncoder().encode(`${error.message}\n`);
    stream.message(protocol >= 30 ? MESSAGE.error : MESSAGE.transferError, text);
    if (protocol >= 31) stream.message(MESSAGE.errorExit, int32(error.exitCode));
  }
  await stream.sayFarewell();
}

/** The client's own troubles are no concern of ours, up to the one that ends it. */
function onMessage(kind: number): void {
  if (kind === MESSAGE.errorExit) throw new WireError("it gave up");
}
