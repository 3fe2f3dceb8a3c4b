/** Requests to devices by ioctl(2) that may take seconds: they run aside, so that this thread goes on. */
import type { BytePath } from "#contract/format/byte_path.ts";
import { AT_FDCWD, close, O, openAt } from "./libc.ts";

const symbols = {
  // the third argument depends on the request; both architectures pass a pointer the same way as an integer
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32", nonblocking: true },
} as const;

/** Memory whose address a request holds. It stays where it is, and is kept while a view of it is. */
interface Pinned {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly address: bigint;
}

/** `sizeBytes`: at least 1. */
export function pinned(sizeBytes: number, content: Iterable<number> = []): Pinned {
  // a buffer of its own, since the runtime may move small typed arrays that have none yet
  const bytes = new Uint8Array(new ArrayBuffer(sizeBytes));
  bytes.set([...content]);
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
  return { bytes, view: new DataView(bytes.buffer), address };
}

/** An open device. */
export class Device implements Disposable {
  readonly #fd: number;
  readonly #library = Deno.dlopen("libc.so.6", symbols);

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** For reading, which is enough for requests of root. Undefined if it cannot be opened. */
  static open(path: string, { flags = O.RDONLY | O.NONBLOCK }: { flags?: number } = {}): Device | undefined {
    try {
      return new Device(openAt(AT_FDCWD, path as BytePath, { flags }));
    } catch {
      return undefined;
    }
  }

  /** `uses`: all memory that `argument` points to. Returns whether the device accepted the request. */
  async request(request: number, argument: Pinned, uses: readonly Pinned[] = []): Promise<boolean> {
    const result = await this.#library.symbols.ioctl(this.#fd, BigInt(request), argument.bytes);
    // the mention keeps their memory until here
    return result >= 0 && uses.every(({ bytes }) => bytes.length > 0);
  }

  [Symbol.dispose](): void {
    this.#library.close();
    close(this.#fd);
  }
}
