/** What a rehearsal may take of the server's memory and disk. Versions come from templates that may do anything. */
import type { VersionView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";

/** Memory that the server keeps. */
const SPARE_MEMORY_MIB = 256;
/** Free space that captures and the database keep. */
const SPARE_BYTES = 1 << 30;
/** What an installed system may write beyond its files: its journal, logs, a swap file. */
const GROWTH_BYTES = 6 * 2 ** 30;
/** Longest console: a machine that writes for ever would fill the disk. */
const CONSOLE_BYTES = 16 << 20;
const WATCH_MS = 2000;

const title = (ref: string) => `cannot rehearse ${ref}`;

/** The machine does what no sound system does. */
export class TooMuch extends RackseedError {}

/** Throws RackseedError if there is too little memory now. */
export function proveMemory(
  memoryMiB: number,
  { ref, availableMiB }: { ref: string; availableMiB: number },
): void {
  if (availableMiB >= memoryMiB + SPARE_MEMORY_MIB) return;
  throw new RackseedError(title(ref), {
    reason: `the machine gets ${memoryMiB} MiB of memory, and ${availableMiB} MiB are free on this server.`,
    remedy: "give it less: --memory 1G; or try again when the server is less busy.",
    status: 409,
  });
}

/** Throws RackseedError if the version does not fit. `freeBytes`: of the file system with the rehearsals. */
export function proveSpace(
  { image, version, totals }: VersionView,
  { freeBytes }: { freeBytes: number },
): void {
  const needed = totals.fileBytes + SPARE_BYTES;
  if (freeBytes >= needed) return;
  throw noRoom(
    `${image}@${version}`,
    `${gigabytes(needed)} are needed, and ${gigabytes(freeBytes)} are free.`,
  );
}

function noRoom(ref: string, reason: string): RackseedError {
  return new RackseedError(title(ref), {
    reason,
    remedy: "make room in the data directory, for instance by rackseed image prune.",
    status: 409,
  });
}

/** In MiB, as the kernel estimates it (proc_meminfo(5), MemAvailable). */
export function availableMemoryMiB(meminfo = Deno.readTextFileSync("/proc/meminfo")): number {
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
  return kib === undefined ? Infinity : Math.floor(Number(kib) / 1024);
}

/** Aborts when the machine takes more than it may, until disposed. */
export class BoundsWatch implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    { version, files, console, freeBytes }: {
      version: VersionView;
      /** The disks. */
      files: readonly string[];
      console: string;
      freeBytes: () => number;
    },
  ) {
    const ref = `${version.image}@${version.version}`;
    const mostBytes = version.totals.fileBytes * 1.5 + GROWTH_BYTES;
    this.#timer = setInterval(() => {
      try {
        const taken = files.reduce((sum, path) => sum + allocatedBytes(path), 0);
        if (freeBytes() < SPARE_BYTES / 2) this.#controller.abort(noRoom(ref, "the disk is nearly full."));
        else if (taken > mostBytes) {
          this.#controller.abort(
            tooMuch(ref, `its disks take ${gigabytes(taken)}, far more than its files.`),
          );
        } else if (sizeOf(console) > CONSOLE_BYTES) {
          this.#controller.abort(tooMuch(ref, "it writes to its serial console without end."));
        }
      } catch (error) {
        this.#controller.abort(error);
      }
    }, WATCH_MS);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function tooMuch(ref: string, reason: string): TooMuch {
  return new TooMuch(title(ref), {
    reason,
    remedy: "see what it does in its console, and correct that on the template.",
    status: 409,
  });
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** A sparse file takes less than its size. */
function allocatedBytes(path: string): number {
  return (Deno.statSync(path).blocks ?? 0) * 512;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
