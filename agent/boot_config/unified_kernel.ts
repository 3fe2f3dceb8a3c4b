/**
 * The command line and the release in a unified kernel image: sections of a PE file (systemd-stub(7); Microsoft PE/COFF
 * specification, "Section Table").
 *
 *     0x3c  offset of the signature "PE\0\0"
 *     +4    COFF header: 2 machine, 2 number of sections, 12, 2 size of the optional header, 2
 *     +24   optional header, then sections of 40 bytes: 8 name, 4 size in memory, 4 address, 4 size and 4 offset in
 *           the file
 */
import { type FileRange, readRange } from "../tree/file_range.ts";
import { kernelVersionIn } from "./kernel_version.ts";

/** The headers of a kernel image are at its start. */
const MAX_HEADER_BYTES = 64 << 10;
const MAX_SECTIONS = 96;
/** The kernel's limit on x86 is 2048. */
const MAX_TEXT_BYTES = 16 << 10;

/** Undefined if the header is not that of a PE file or has no such section. Pure. */
function findSection(header: Uint8Array, name: string): FileRange | undefined {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const has = (at: number, bytes: number) => at >= 0 && at + bytes <= header.length;
  if (!has(0x3c, 4)) return undefined;
  const pe = view.getUint32(0x3c, true);
  if (!has(pe, 24) || view.getUint32(pe, true) !== 0x4550) return undefined;
  const sections = Math.min(view.getUint16(pe + 6, true), MAX_SECTIONS);
  const first = pe + 24 + view.getUint16(pe + 20, true);
  for (let i = 0, at = first; i < sections && has(at, 40); i++, at += 40) {
    const found = Buffer.from(header.subarray(at, at + 8)).toString("latin1").replace(/\0+$/, "");
    if (found !== name) continue;
    const size = Math.min(view.getUint32(at + 8, true), view.getUint32(at + 16, true));
    return { offset: view.getUint32(at + 20, true), size };
  }
  return undefined;
}

/** Undefined if the file is not a unified kernel image, or has no command line. */
export async function commandLineOf(path: string): Promise<string | undefined> {
  using file = await Deno.open(path);
  return await textIn(file, ".cmdline");
}

/** Where kernel and initramfs are in a unified kernel image; undefined if the file is none. */
export async function unifiedParts(
  path: string,
): Promise<{ kernel: FileRange; initramfs: FileRange | undefined } | undefined> {
  using file = await Deno.open(path);
  const kernel = await sectionIn(file, ".linux");
  return kernel && { kernel, initramfs: await sectionIn(file, ".initrd") };
}

/** The release of its kernel; undefined if the file is not a unified kernel image. */
export async function unifiedRelease(path: string): Promise<string | undefined> {
  using file = await Deno.open(path);
  // images of older programs lack it
  const named = await textIn(file, ".uname");
  if (named !== undefined) return named;
  const kernel = await sectionIn(file, ".linux");
  return kernel && await kernelVersionIn(file, kernel.offset);
}

async function textIn(file: Deno.FsFile, name: string): Promise<string | undefined> {
  const section = await sectionIn(file, name);
  if (section === undefined) return undefined;
  const bytes = await readRange(file, { ...section, size: Math.min(section.size, MAX_TEXT_BYTES) });
  return Buffer.from(bytes).toString("latin1").replace(/\0[^]*$/, "").trim();
}

async function sectionIn(file: Deno.FsFile, name: string): Promise<FileRange | undefined> {
  return findSection(await readRange(file, { offset: 0, size: MAX_HEADER_BYTES }), name);
}
