/** Sends a standby everything that it lacks, and then every change; records.ts has the form. */
import { contentOf, digestOf, SmallFiles } from "./small_files.ts";
import { encodeRecord } from "./records.ts";
import type { Place, WalSource } from "./wal_source.ts";
import type { WalPosition } from "./wal.ts";

/** Longest time until a change is sent that nobody waits for, and until the standby hears that the server lives. */
const LOOK_MS = 100, ALIVE_MS = 300;
/** How often published files are listed. */
const CONTENT_MS = 1000;

interface Sending {
  readonly stream: string;
  readonly epoch: number;
  readonly source: WalSource;
  readonly data: string;
  /** What the standby has. */
  readonly position: WalPosition | undefined;
  readonly files: Readonly<Record<string, string>>;
  /** Packs that need not be copied, by path. */
  readonly isElsewhere: (path: string) => boolean;
  readonly onSent: (place: Place) => void;
  /** Resolves at once if somebody waits for the standby. */
  readonly wake: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Ends when the signal aborts, with all that was committed until then. */
export async function* send(sending: Sending): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { stream, epoch, source, data, files, signal, wake, now, onSent } = sending;
  yield encodeRecord({ type: "hello", stream, epoch, bytes: 0 });
  const small = new SmallFiles(data, { now });
  let known: Readonly<Record<string, string>> | undefined = files;
  let place = source.placeOf(sending.position);
  let content = "", contentMs = -Infinity, aliveMs = -Infinity;
  for (;;) {
    const isLast = signal.aborted;
    // first where the log ends, then the files: those that its transactions need are on the disk by now
    const end = source.end();
    const met = new Set<string>();
    for await (const file of small.changes()) {
      met.add(file.path);
      if (file.content === undefined) yield encodeRecord({ type: "removed", path: file.path, bytes: 0 });
      else if (known?.[file.path] !== digestOf(file.content)) yield fileRecord(file);
    }
    for (const path of Object.keys(known ?? {})) {
      if (!met.has(path)) yield encodeRecord({ type: "removed", path, bytes: 0 });
    }
    known = undefined;
    const before = place;
    const sent = yield* sendLog(source, { place, end, onSent });
    place = sent.place;
    // the copy may be newer than the files
    if (sent.isCopied) continue;
    if (now() - contentMs >= CONTENT_MS || isLast) {
      contentMs = now();
      const list = contentOf(data).filter(({ path }) => !sending.isElsewhere(path));
      const text = JSON.stringify(list);
      if (text !== content) yield encodeRecord({ type: "content", files: list, bytes: 0 });
      content = text;
    }
    if (place !== before || now() - aliveMs >= ALIVE_MS || isLast) {
      aliveMs = now();
      yield encodeRecord({ type: "alive", atMs: aliveMs, number: source.numberOf(place), bytes: 0 });
    }
    if (isLast) return;
    await Promise.race([wake(), paused(signal)]);
  }
}

/** The log up to `end`; a copy of the database first if there is no place in it. */
async function* sendLog(
  source: WalSource,
  { place, end, onSent }: { place: Place | undefined; end: Place; onSent: (place: Place) => void },
): AsyncGenerator<Uint8Array<ArrayBuffer>, { place: Place; isCopied: boolean }> {
  for (;;) {
    try {
      if (place === undefined) {
        place = yield* sendCopy(source);
        onSent(place);
        return { place, isCopied: true };
      }
      onSent(place);
      while (source.numberOf(place) < source.numberOf(end)) {
        const part = source.after(place);
        if (part === undefined) break;
        yield encodeRecord({ type: "log", at: part.at, bytes: part.bytes.length }, part.bytes);
        onSent(place = part.next);
      }
      return { place, isCopied: false };
    } catch (error) {
      // the standby was too slow
      if (!(error instanceof RangeError)) throw error;
      place = undefined;
    }
  }
}

async function* sendCopy(source: WalSource): AsyncGenerator<Uint8Array<ArrayBuffer>, Place> {
  let copy = source.copy();
  while (copy === undefined) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    copy = source.copy();
  }
  using held = copy;
  for (let at = 0;;) {
    const bytes = held.read(at);
    if (bytes === undefined) return held.place;
    yield encodeRecord({ type: "copy", at, bytes: bytes.length }, bytes);
    at += bytes.length;
  }
}

function fileRecord({ path, mode, content }: { path: string; mode: number; content: Uint8Array }) {
  return encodeRecord({ type: "file", path, mode, bytes: content.length }, content);
}

function paused(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    resolve();
  };
  const timer = setTimeout(end, LOOK_MS);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  return promise;
}
