/** A version that a medium carries: the same as a download that has everything from the beginning. */
import { decodeManifest, type Manifest } from "#contract/format/manifest.ts";
import type { Enrolled } from "../../steps/enrol.ts";
import type { DownloadProgress } from "./download.ts";
import type { ImageDownload } from "./image_download.ts";
import { openOrderedManifest } from "./ordered_image.ts";

/** The manifest is small, so that a name of the wrong size means damage. */
const MAX_SEALED_MANIFEST = 1 << 30;

export class MediumPacks implements ImageDownload {
  readonly downloadedBytes = 0;
  readonly uploadedBytes = 0;
  readonly #paths: ReadonlyMap<string, string>;
  readonly #bytes: number;

  private constructor({ packs, sealedBytes }: { packs: ReadonlyMap<string, string>; sealedBytes: number }) {
    this.#paths = packs;
    this.#bytes = sealedBytes;
  }

  /** Throws RackseedError unless the medium's manifest is the ordered one. */
  static async open(
    folder: string,
    { order, key }: Pick<Enrolled, "order" | "key">,
  ): Promise<{ packs: MediumPacks; manifest: Manifest }> {
    const path = `${folder}/manifest.bin`;
    const { size } = await Deno.stat(path);
    if (size > MAX_SEALED_MANIFEST) throw new RangeError(`${path} has ${size} bytes`);
    const manifest = decodeManifest(openOrderedManifest(await Deno.readFile(path), { order, key }));
    const packs = new Map(manifest.header.packs.map(({ sha256 }, i) => [sha256, `${folder}/${packName(i)}`]));
    const sealedBytes = manifest.frames.reduce((sum, frame) => sum + frame.sealedBytes, 0);
    return { packs: new MediumPacks({ packs, sealedBytes }), manifest };
  }

  packPath(sha256: string): string {
    const path = this.#paths.get(sha256);
    if (path === undefined) throw new RangeError(`the medium has no pack ${sha256}`);
    return path;
  }

  /** In their order, as a stick or a disc is read fastest. */
  async *frames(
    { frames }: Manifest,
    { only }: { only?: Iterable<number> | undefined } = {},
  ): AsyncGenerator<number> {
    yield* only ?? frames.keys();
    await Promise.resolve();
  }

  fetchOnly(): Promise<void> {
    return Promise.resolve();
  }

  forgetPacks(): Promise<void> {
    return Promise.resolve();
  }

  progress(): DownloadProgress {
    return {
      bytesDone: this.#bytes,
      bytesTotal: this.#bytes,
      peers: 0,
      bytesPerSecond: 0,
      source: "none",
      webSeedBytes: 0,
      sources: { peerId: "", server: 0, web: 0, peers: 0, from: [] },
      banned: [],
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** As server/media names them: "p0000001.pck". */
function packName(number: number): string {
  return `p${String(number).padStart(7, "0")}.pck`;
}
