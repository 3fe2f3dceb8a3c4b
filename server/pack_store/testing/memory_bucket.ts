/** A bucket in memory that fails as it is told, and counts what is done to it. */
import { createHash } from "node:crypto";
import { BucketError, type BucketFault, DamagedFile } from "../../bucket/bucket_error.ts";
import type { ObjectStore } from "../../bucket/object_store.ts";

/** What ends the process in the middle of an operation. */
class Crash extends Error {}

export class MemoryBucket implements ObjectStore {
  readonly url = "s3://memory";
  readonly objects = new Map<string, Uint8Array>();
  /** Uploads that have begun, by key. */
  readonly begun = new Map<string, string>();
  readonly done: string[] = [];
  /** Fails operations: "upload packs/…", "remove …", "download …", "list". */
  fails: (operation: string) => BucketFault | undefined = () => undefined;
  /** Crashes before, or after, this many operations. */
  crashAt = Infinity;
  crashes: "before" | "after" = "before";
  /** Nothing works any more. */
  hasCrashed = false;
  #count = 0;

  async #act<T>(operation: string, work: () => T | Promise<T>): Promise<T> {
    const isLast = ++this.#count === this.crashAt;
    if (this.hasCrashed || (isLast && this.crashes === "before")) throw this.#crash();
    const fault = this.fails(operation);
    if (fault) throw new BucketError(`cannot ${operation}`, { fault, reason: `${fault}.` });
    const result = await work();
    this.done.push(operation);
    if (isLast) throw this.#crash();
    return result;
  }

  #crash(): Crash {
    this.hasCrashed = true;
    return new Crash();
  }

  restart(): void {
    this.hasCrashed = false;
    this.crashAt = Infinity;
    this.#count = 0;
  }

  async upload(
    key: string,
    { path, sha256, resume, onBegin }: Parameters<ObjectStore["upload"]>[1],
  ): Promise<void> {
    if (resume === undefined || this.begun.get(key) !== resume.uploadId) {
      await this.#act(`begin ${key}`, () => void this.begun.set(key, `upload of ${key}`));
      onBegin({ uploadId: `upload of ${key}` });
    }
    await this.#act(`upload ${key}`, async () => {
      const bytes = await Deno.readFile(path);
      if (createHash("sha256").update(bytes).digest("hex") !== sha256) throw new DamagedFile(path);
      this.objects.set(key, bytes);
      this.begun.delete(key);
    });
  }

  download(key: string, { path, sha256 }: Parameters<ObjectStore["download"]>[1]): Promise<void> {
    return this.#act(`download ${key}`, async () => {
      const bytes = this.objects.get(key);
      const fault = bytes === undefined
        ? "missing"
        : createHash("sha256").update(bytes).digest("hex") === sha256
        ? undefined
        : "corrupt";
      if (fault) throw new BucketError(`cannot read ${key}`, { fault, reason: `${fault}.` });
      await Deno.writeFile(path, bytes as Uint8Array);
    });
  }

  async *list(below: string) {
    await this.#act("list", () => {});
    for (const [key, { length }] of this.objects) if (key.startsWith(below)) yield { key, sizeBytes: length };
  }

  remove(key: string): Promise<void> {
    return this.#act(`remove ${key}`, () => void this.objects.delete(key));
  }

  abandon(key: string): Promise<void> {
    return this.#act(`abandon ${key}`, () => void this.begun.delete(key));
  }

  urlOf(key: string): string {
    return `http://memory/${key}?signed`;
  }
}
