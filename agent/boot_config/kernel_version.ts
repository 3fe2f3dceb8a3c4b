/**
 * The release in the header of an x86 kernel (Linux, Documentation/arch/x86/boot.rst):
 *
 *     0x202  "HdrS"
 *     0x20e  offset of the version, less 0x200: "6.1.0-13-amd64 (debian-kernel@lists.debian.org) #1 SMP …", then NUL
 */
import { readRange } from "../tree/file_range.ts";

const HEADER_BYTES = 0x210;
const MAX_VERSION_BYTES = 512;

/** `start`: of the kernel in the file. Undefined if there is no such kernel. */
export async function kernelVersionIn(file: Deno.FsFile, start = 0): Promise<string | undefined> {
  const header = Buffer.from(await readRange(file, { offset: start, size: HEADER_BYTES }));
  if (header.length < HEADER_BYTES || header.toString("latin1", 0x202, 0x206) !== "HdrS") return undefined;
  const at = header.readUInt16LE(0x20e);
  if (at === 0) return undefined;
  const text = Buffer.from(
    await readRange(file, { offset: start + at + 0x200, size: MAX_VERSION_BYTES }),
  );
  return /^[\w.+~-]+/.exec(text.toString("latin1"))?.[0];
}
