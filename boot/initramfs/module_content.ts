import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { xzDecompress } from "#native/xz.ts";
import { type FileSource, resolveFile } from "./file_source.ts";

/** The largest module of a real kernel has about 60 MiB, with its debug information. */
const MAX_MODULE_BYTES = 256 << 20;

/**
 * The content of a kernel module, decompressed: distributions compress them with gzip, xz or zstd.
 *
 * @returns undefined if there is no such file, or if it cannot be decompressed: then the kernel cannot load it either
 * @throws RackseedError if it is compressed with xz and this machine lacks liblzma
 */
export async function readModule(source: FileSource, path: string): Promise<Uint8Array | undefined> {
  const file = await resolveFile(source, path);
  if (file === undefined) return undefined;
  const bytes = await source.read(file);
  const options = { maxOutputLength: MAX_MODULE_BYTES };
  try {
    if (startsWith(bytes, [0x28, 0xb5, 0x2f, 0xfd])) return zstdDecompressSync(bytes, options);
    if (startsWith(bytes, [0x1f, 0x8b])) return gunzipSync(bytes, options);
  } catch {
    return undefined;
  }
  return startsWith(bytes, [0xfd, 0x37, 0x7a, 0x58, 0x5a])
    ? await xzDecompress(bytes, { maxBytes: MAX_MODULE_BYTES })
    : bytes;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}
