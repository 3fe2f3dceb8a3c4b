import type { CpioEntry, Device } from "./cpio.ts";
import { type FileSource, resolvePath } from "./file_source.ts";

/**
 * Collects the entries of an initramfs in any order, and lists each directory before its contents. Paths are
 * absolute. A path added twice must be of the same type. A file's content is read when the archive is written.
 */
export class InitramfsTree {
  readonly #entries = new Map<string, CpioEntry>();

  directory(path: string, mode = 0o755): void {
    this.#put(path, (name) => ({ type: "directory", path: name, mode }));
  }

  symlink(path: string, target: string): void {
    this.#put(path, (name) => ({ type: "symlink", path: name, target }));
  }

  characterDevice(path: string, { mode, device }: { mode: number; device: Device }): void {
    this.#put(path, (name) => ({ type: "character-device", path: name, mode, device }));
  }

  bytes(path: string, content: Uint8Array, mode = 0o644): void {
    this.file(path, { mode, sizeBytes: content.length, content: () => Promise.resolve(content) });
  }

  file(
    path: string,
    { mode, sizeBytes, content }: { mode: number; sizeBytes: number; content: () => Promise<Uint8Array> },
  ): void {
    this.#put(path, (name) => ({ type: "file", path: name, mode, sizeBytes, content }));
  }

  /**
   * Copies the file or directory at `path` of a source to the same path here, with the symbolic links that lead to
   * it (both `/bin` → `usr/bin` and `/usr/bin/sh` → `dash`). The contents of a directory are not copied.
   *
   * @returns whether the path exists
   */
  async copy(source: FileSource, path: string): Promise<boolean> {
    const resolved = await resolvePath(source, path);
    if (resolved === undefined) return false;
    for (const link of resolved.links) this.symlink(link.path, link.target);
    const { entry, path: real } = resolved;
    if (entry.type === "directory") this.directory(real);
    else this.file(real, { ...entry, content: () => source.read(real) });
    return true;
  }

  /** Sorted, so that parents come first. */
  *entries(): Generator<CpioEntry> {
    const paths = [...this.#entries.keys()].sort();
    for (const path of paths) {
      const entry = this.#entries.get(path);
      if (entry !== undefined) yield entry;
    }
  }

  #put(path: string, make: (name: string) => CpioEntry): void {
    const name = path.replace(/^\//, "");
    if (name === "") return;
    const entry = make(name);
    const present = this.#entries.get(name);
    if (present === undefined) this.#entries.set(name, entry);
    else if (present.type !== entry.type) throw new Error(`${path} is a ${present.type} and a ${entry.type}`);
    const parent = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    if (parent !== "" && !this.#entries.has(parent)) this.directory(parent);
  }
}
