/** Reads frames from packs, decrypts and verifies them. */
import { messageOf } from "#contract/errors.ts";
import { type SealedCodec, sealedCodec } from "#native/sealed_codec.ts";
import { sha256 } from "#native/sha256.ts";
import { readFully } from "../../sys/libc.ts";
import type { FrameWork } from "./frame_plan.ts";

/** A frame that does not match the manifest: truncated, changed, or sealed with another key. */
export class BadFrame extends Error {
  override readonly name = "BadFrame";
}

export class FrameSource {
  readonly #keys: readonly Uint8Array[];
  /** By key, since most packs share one. */
  readonly #codecs = new Map<string, Promise<SealedCodec>>();
  #sealed = new Uint8Array(0);

  /** `keys`: by pack, the key of its frames. */
  constructor(keys: readonly Uint8Array[]) {
    this.#keys = keys;
  }

  /**
   * Returns the extents that the version uses, by number; valid until the next call. `descriptor`: of the frame's pack.
   * Throws BadFrame.
   */
  async read(
    { pack, offset, sealedBytes, extents }: FrameWork,
    descriptor: number,
  ): Promise<Uint8Array[]> {
    try {
      const codec = await this.#codec(pack);
      const raw = await codec.open(this.#read(descriptor, { offset, sealedBytes }));
      const contents = extents.map(({ offset, sizeBytes }) => raw.subarray(offset, offset + sizeBytes));
      proveIdentity(contents, extents);
      return contents;
    } catch (error) {
      throw new BadFrame(messageOf(error), { cause: error });
    }
  }

  #codec(pack: number): Promise<SealedCodec> {
    const key = this.#keys[pack];
    if (key === undefined) throw new RangeError("its pack is not one of the manifest's");
    const name = Buffer.from(key).toString("base64");
    const known = this.#codecs.get(name);
    if (known !== undefined) return known;
    const made = sealedCodec(key);
    this.#codecs.set(name, made);
    return made;
  }

  #read(
    descriptor: number,
    { offset, sealedBytes }: { offset: number; sealedBytes: number },
  ): Uint8Array<ArrayBuffer> {
    if (this.#sealed.length < sealedBytes) this.#sealed = new Uint8Array(sealedBytes);
    const sealed = this.#sealed.subarray(0, sealedBytes);
    if (readFully(descriptor, sealed, offset) < sealedBytes) {
      throw new RangeError("its pack ends before it");
    }
    return sealed;
  }
}

/**
 * The seal, and the torrent's hashes before it, have proved that the frame is intact to the last bit. What is left to
 * prove is that it is this frame and not another one with the same key; hashing the smallest extent does that at
 * almost no cost.
 */
function proveIdentity(contents: readonly Uint8Array[], extents: FrameWork["extents"]): void {
  const smallest = extents.reduce(
    (best, { sizeBytes }, i) => sizeBytes < (extents[best]?.sizeBytes ?? 0) ? i : best,
    0,
  );
  const content = contents[smallest];
  if (content === undefined) return;
  if (sha256(content).toString("base64url") !== extents[smallest]?.sha256) {
    throw new RangeError("an extent has another SHA-256 than the manifest says");
  }
}
