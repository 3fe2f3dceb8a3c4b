/** Copies the files of images from the server, one after another; they never change. */
import { getLogger } from "@logtape/logtape";
import type { ApiClient } from "#contract/client.ts";
import { sha256OfPack } from "#contract/format/sha256.ts";
import { createHash } from "node:crypto";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { removeSync, sizeOf, syncPath, writeAll } from "../store/durable.ts";
import { contentOf } from "./small_files.ts";

const log = getLogger(["rackseed", "standby"]);
/** A file that the server no longer lists is kept for this long. */
const STALE_MS = 3600_000;

interface ContentFile {
  readonly path: string;
  readonly sizeBytes: number;
}

export class Mirror {
  readonly #data: string;
  readonly #now: () => number;
  #wanted: readonly ContentFile[] = [];
  /** By path, since when it is not listed. */
  readonly #stale = new Map<string, number>();
  #running: Promise<void> | undefined;

  constructor(data: string, { now }: { now: () => number }) {
    this.#data = data;
    this.#now = now;
  }

  /** How many listed files are not here. */
  get missing(): number {
    return this.#missing().length;
  }

  /** Begins to copy what is missing, unless it does so already. */
  want(files: readonly ContentFile[], from: { client: ApiClient; signal: AbortSignal }): void {
    this.#wanted = files;
    this.#forget();
    this.#running ??= this.#run(from).catch((error) => {
      if (!from.signal.aborted) log.warn("image-not-copied", { error: messageOf(error) });
    }).finally(() => this.#running = undefined);
  }

  /** Resolves when nothing is being copied any more; the signal ends it. */
  async ended(): Promise<void> {
    await this.#running;
  }

  #missing(): ContentFile[] {
    return this.#wanted.filter(({ path, sizeBytes }) => sizeOf(`${this.#data}/${path}`) !== sizeBytes);
  }

  async #run(from: { client: ApiClient; signal: AbortSignal }): Promise<void> {
    for (let [file] = this.#missing(); file !== undefined; [file] = this.#missing()) {
      await this.#copy(file, from);
    }
  }

  async #copy(
    { path, sizeBytes }: ContentFile,
    { client, signal }: { client: ApiClient; signal: AbortSignal },
  ): Promise<void> {
    const place = `${this.#data}/${path}`, scratch = `${this.#data}/staging/copied`;
    Deno.mkdirSync(`${this.#data}/staging`, { recursive: true, mode: 0o700 });
    const query = new URLSearchParams({ path });
    const { body } = await client.send("GET", `/standbys/content?${query}`, { signal });
    const hash = createHash("sha256");
    {
      using out = await Deno.open(scratch, { write: true, create: true, truncate: true, mode: 0o600 });
      for await (const chunk of body ?? ReadableStream.from<Uint8Array<ArrayBuffer>>([])) {
        hash.update(chunk);
        await writeAll(out, chunk);
      }
      await out.syncData();
    }
    const isPack = path.startsWith("packs/");
    if (sizeOf(scratch) !== sizeBytes || isPack && hash.digest("hex") !== sha256OfPack(path.slice(6))) {
      throw new RackseedError(`cannot copy ${path}`, {
        reason: "it arrived damaged.",
        remedy: "check it on the server: rackseed image verify",
      });
    }
    const folder = place.slice(0, place.lastIndexOf("/"));
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    Deno.renameSync(scratch, place);
    await syncPath(folder);
  }

  /** Removes what has been deleted on the server. */
  #forget(): void {
    const wanted = new Set(this.#wanted.map(({ path }) => path)), nowMs = this.#now();
    for (const { path } of contentOf(this.#data)) {
      if (wanted.has(path)) this.#stale.delete(path);
      else if (!this.#stale.has(path)) this.#stale.set(path, nowMs);
    }
    for (const [path, sinceMs] of this.#stale) {
      if (nowMs - sinceMs < STALE_MS) continue;
      removeSync(`${this.#data}/${path}`);
      this.#stale.delete(path);
    }
  }
}
