/**
 * A minimal server for captures: accepts the contract's calls, seals the frames into one pack on disk, and publishes
 * a manifest. For tests of what comes before and after the server.
 */
import { createHash, randomBytes } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { CaptureHeader, CaptureProgress } from "#contract/api.ts";
import type { Entry, FrameExtent, HashedExtent } from "#contract/format/entry.ts";
import { parseHashedEntry } from "#contract/format/entry.ts";
import { encodeManifest, FORMAT, FORMAT_VERSION, type Frame } from "#contract/format/manifest.ts";
import { SHA256_BYTES } from "#contract/format/sha256.ts";
import { decodeFrameUpload } from "#contract/format/testing/decode_frame_upload.ts";
import { seal } from "#native/testing/seal.ts";
import type { Api } from "../../agent/capture/capture_api.ts";

export class MemoryServer implements Api {
  readonly key: Uint8Array = randomBytes(32);
  readonly packPath: string;
  readonly progress: CaptureProgress[] = [];
  readonly calls: string[] = [];
  readonly #level: number;
  readonly #frames: Frame[] = [];
  readonly #places = new Map<string, { frame: number; index: number }>();
  /** The entries, by part. */
  readonly #lines: string[] = [];
  #packBytes = 0;
  #manifest: Uint8Array | undefined;
  header: CaptureHeader | undefined;

  constructor(directory: string, { level = 1 } = {}) {
    this.#level = level;
    this.packPath = `${directory}/pack`;
    Deno.writeFileSync(this.packPath, new Uint8Array(0));
  }

  /** The text of the published manifest. */
  get manifest(): Uint8Array {
    if (this.#manifest === undefined) throw new Error("nothing was published");
    return this.#manifest;
  }

  get frames(): number {
    return this.#frames.length;
  }

  async send(
    method: string,
    path: string,
    { body, json }: { body?: BodyInit; json?: unknown } = {},
  ): Promise<Response> {
    const call = `${method} ${path.replace(/^\/captures\/[^/]+/, "")}`;
    this.calls.push(call);
    const bytes = async () => new Uint8Array(await new Response(body ?? null).arrayBuffer());
    switch (call) {
      case "POST /known":
        return new Response(this.#known(await bytes()));
      case "POST /frames":
        this.#takeFrame(await bytes());
        break;
      case "POST /progress":
        this.progress.push(CaptureProgress.parse(json));
        break;
      case "PUT /entries":
        this.#publish(await bytes());
        break;
      case `POST /entries/${this.#lines.length}`:
        this.#lines.push(zstdDecompressSync(await bytes()).toString("utf8"));
        break;
      default:
        throw new Error(`no such call: ${call}`);
    }
    return new Response(null, { status: 204 });
  }

  #known(hashes: Uint8Array): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(
      { length: hashes.length / SHA256_BYTES },
      (_, i) => {
        const hash = hashes.subarray(i * SHA256_BYTES, (i + 1) * SHA256_BYTES);
        return this.#places.has(Buffer.from(hash).toString("base64url")) ? 1 : 0;
      },
    );
  }

  #takeFrame(upload: Uint8Array): void {
    const extents = decodeFrameUpload(upload);
    let offset = 0;
    const slices = extents.map(({ sha256, content }, index) => {
      const name = createHash("sha256").update(content).digest("base64url");
      if (name !== Buffer.from(sha256).toString("base64url")) {
        throw new Error("an extent is not what it claims");
      }
      this.#places.set(name, { frame: this.#frames.length, index });
      const slice = { sha256: name, offset, sizeBytes: content.length };
      offset += content.length;
      return slice;
    });
    const raw = Buffer.concat(extents.map((e) => e.content));
    const sealed = seal(raw, { key: this.key, level: this.#level });
    Deno.writeFileSync(this.packPath, sealed, { append: true });
    this.#frames.push({
      pack: 0,
      offset: this.#packBytes,
      sealedBytes: sealed.length,
      rawBytes: raw.length,
      extents: slices,
    });
    this.#packBytes += sealed.length;
  }

  #publish(body: Uint8Array): void {
    const lines = this.#lines.join("").split("\n");
    const header = this.header = CaptureHeader.parse(JSON.parse(zstdDecompressSync(body).toString("utf8")));
    if (lines.pop() !== "" || lines.length !== header.entries) throw new Error("entries are cut off");
    const entries = lines.map((line) => this.#placed(parseHashedEntry(line)));
    const files = entries.filter((e) => e.type === "file");
    this.#manifest = encodeManifest({
      header: {
        format: FORMAT,
        formatVersion: FORMAT_VERSION,
        image: "test",
        version: 1,
        created: new Date().toISOString(),
        ...(header.source && { source: header.source }),
        ...(header.layout && { layout: header.layout }),
        excludes: header.excludes,
        notes: header.notes,
        totals: {
          entries: entries.length,
          files: files.length,
          fileBytes: files.reduce((sum, f) => sum + f.sizeBytes, 0),
          extentBytes: this.#frames.reduce((sum, f) => sum + f.rawBytes, 0),
          sealedBytes: this.#packBytes,
        },
        packs: [{ sha256: "0".repeat(64), sizeBytes: this.#packBytes }],
        frames: this.#frames.length,
      },
      frames: this.#frames,
      entries,
    });
  }

  #placed(entry: Entry<HashedExtent>): Entry<FrameExtent> {
    if (entry.type !== "file") return entry;
    return {
      ...entry,
      extents: entry.extents.map(({ offset, sha256 }) => {
        const place = this.#places.get(sha256);
        if (place === undefined) throw new Error("a file names an extent that was never sent");
        return { offset, ...place };
      }),
    };
  }
}
