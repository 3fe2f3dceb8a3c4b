/**
 * What a TPM has recorded of a machine that booted a unified kernel image (UKI): the values to compare a quote with.
 *
 * - **PCR 4**, by the firmware: the Authenticode hash of every EFI program that it started, beside events that depend
 *   on the firmware. `image` is the UKI's. `kernel` is that of the kernel in it; whether firmware records that too
 *   depends on the stub, which under Secure Boot starts the kernel past the firmware's check.
 * - **PCR 11**, by systemd-stub, from zero: for each section in the stub's order, its name with a closing NUL, then its
 *   content (systemd: TPM2_PCR_MEASUREMENTS.md). Nothing else extends this PCR before the agent runs.
 */
import { createHash } from "node:crypto";
import type { BootFile } from "../boot_file.ts";
import { authenticodeDigest, hashRange, readPe } from "./authenticode.ts";
import { notPe, type PeSection } from "./pe.ts";

/** SHA-256 digests in hexadecimal. */
interface UkiMeasurements {
  readonly image: string;
  readonly kernel: string;
  /** What the stub extends into PCR 11, in order. */
  readonly events: readonly string[];
  /** The value of PCR 11 after them. */
  readonly pcr11: string;
}

/**
 * The order of systemd-stub 252, which is Debian 12's: `.linux` first, whatever the order in the file. Later stubs also
 * measure `.uname` and `.sbat`, so an image with another stub is refused rather than predicted wrongly.
 */
const ORDER = [".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".pcrpkey"];
const STUB = /^#### LoaderInfo: systemd-stub (\d+)[^#]* ####/;
const KNOWN_STUBS = [252, 253];
const ZERO = new Uint8Array(32);

/** Throws RackseedError if the file is not a UKI of a known stub. */
export function measureUki(uki: BootFile, { name }: { readonly name: string }): UkiMeasurements {
  const { sections } = readPe(uki, { name });
  checkStub(uki, { sections, name });
  const events: Uint8Array[] = [];
  for (const wanted of ORDER) {
    const section = sections.find((s) => s.name === wanted);
    if (section === undefined) continue;
    const hash = createHash("sha256");
    const { rawOffset: start, rawSize, virtualSize } = section;
    if (virtualSize > rawSize) throw notPe(name, `its section ${wanted} is cut off`);
    hashRange(uki, { start, end: start + virtualSize, hash });
    events.push(createHash("sha256").update(`${wanted}\0`).digest(), hash.digest());
  }
  const linux = sections.find((s) => s.name === ".linux");
  if (linux === undefined) throw notPe(name, "it has no section .linux");
  const kernel = authenticodeDigest(sectionFile(uki, linux), { name: `the kernel in ${name}` });
  const image = authenticodeDigest(uki, { name });
  return {
    image: image.toHex(),
    kernel: kernel.toHex(),
    events: events.map((event) => event.toHex()),
    pcr11: extendAll(events).toHex(),
  };
}

/**
 * The value of a PCR after these extensions from zero: each is SHA-256 of the old value and the digest (TPM 2.0 Part 1
 * §17.2).
 */
export function extendAll(digests: Iterable<Uint8Array>): Uint8Array {
  let value: Uint8Array = ZERO;
  for (const digest of digests) value = createHash("sha256").update(value).update(digest).digest();
  return value;
}

function checkStub(
  uki: BootFile,
  { sections, name }: { readonly sections: readonly PeSection[]; readonly name: string },
): void {
  const magic = sections.find((s) => s.name === ".sdmagic");
  if (magic === undefined) throw notPe(name, "it has no systemd-stub");
  const text = new Uint8Array(Math.min(magic.virtualSize, 256));
  const [, version] =
    STUB.exec(new TextDecoder().decode(text.subarray(0, uki.read(magic.rawOffset, text)))) ?? [];
  if (!KNOWN_STUBS.includes(Number(version))) {
    throw notPe(
      name,
      `its stub is systemd-stub ${version ?? "of no known version"}, whose measurements are unknown`,
    );
  }
}

function sectionFile(file: BootFile, { rawOffset, virtualSize }: PeSection): BootFile {
  return {
    sizeBytes: virtualSize,
    read: (offset, into) =>
      offset >= virtualSize ? 0 : file.read(rawOffset + offset, into.subarray(0, virtualSize - offset)),
  };
}
