import { libc } from "./libc.ts";

const O_RDONLY_CLOEXEC = 0o2000000;
const SEEK_SET = 0;
const ZERO = 48, NINE = 57;

/**
 * Lists this process's open descriptors. The folder that lists them stays open, so that it can be read even when no
 * descriptor is left. Reading it allocates next to nothing, since it happens many times a second.
 */
export class OpenDescriptors implements Disposable {
  readonly #folder = libc().open(new TextEncoder().encode("/proc/self/fd\0"), O_RDONLY_CLOEXEC);
  readonly #dirents = new Uint8Array(65_536);
  readonly #view = new DataView(this.#dirents.buffer);

  list(): number[] {
    const found: number[] = [];
    libc().lseek(this.#folder, 0n, SEEK_SET);
    for (;;) {
      const length = Number(libc().getdents64(this.#folder, this.#dirents, BigInt(this.#dirents.length)));
      if (length <= 0) return found;
      // a record: inode u64, offset s64, its own length u16 at 16, type u8, name from 19 on, NUL-terminated
      for (let at = 0; at < length; at += this.#view.getUint16(at + 16, true)) {
        const fd = this.#number(at + 19);
        if (fd !== undefined) found.push(fd);
      }
    }
  }

  [Symbol.dispose](): void {
    libc().close(this.#folder);
  }

  /** The decimal number at this offset. Undefined for "." and "..". */
  #number(at: number): number | undefined {
    let value = 0;
    for (let i = at;; i++) {
      const digit = this.#dirents[i] ?? 0;
      if (digit === 0) return value;
      if (digit < ZERO || digit > NINE) return undefined;
      value = value * 10 + digit - ZERO;
    }
  }
}
