import { bytePathOfText } from "#contract/format/byte_path.ts";
import { AT_FDCWD, close, O, openAt } from "../../sys/libc.ts";
import type { PackReader } from "./install_options.ts";

/** The packs that frames are read from: each is opened when its first frame arrives, and all are closed together. */
export class OpenPacks implements Disposable {
  readonly #packs: PackReader;
  readonly #descriptors = new Map<number, number>();

  constructor(packs: PackReader) {
    this.#packs = packs;
  }

  /** Descriptor of pack number `pack`. */
  descriptor(pack: number): number {
    const known = this.#descriptors.get(pack);
    if (known !== undefined) return known;
    const fd = openAt(AT_FDCWD, bytePathOfText(this.#packs.path(pack)), { flags: O.RDONLY });
    this.#descriptors.set(pack, fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#descriptors.values()) close(fd);
    this.#descriptors.clear();
  }
}
