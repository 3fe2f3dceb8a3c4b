import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { run } from "../../scripts/lab/command.ts";
import { fileOfBytes } from "../tftp/tftp_file.ts";
import { fatImage } from "./fat.ts";
import { bootRecord, withBootTable } from "./hybrid.ts";
import { layOutDisc, SECTOR } from "./iso9660.ts";
import { mediumImage, mediumLabel, type MediumProgram } from "./medium_image.ts";

const PROGRAM_BYTES: Record<MediumProgram, number> = {
  "isolinux.bin": 38_912,
  "ldlinux.c32": 119_000,
  "isohdpfx.bin": 432,
  "shimx64.efi": 1_000_000,
  "gcdx64.efi": 3_800_000,
};
const program = (name: MediumProgram) => filled(PROGRAM_BYTES[name], name.length);
const created = new Date("2026-11-30T12:00:00Z");

function filled(size: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) & 0xff);
}

function smallMedium(files: readonly { name: string; bytes: Uint8Array }[] = []) {
  return mediumImage({
    id: "0123abcd",
    created,
    program,
    kernel: fileOfBytes(filled(70_001, 1)),
    initramfs: fileOfBytes(filled(5, 2)),
    files: files.map(({ name, bytes }) => ({ name, file: fileOfBytes(bytes) })),
  });
}

function allOf(medium: ReturnType<typeof smallMedium>, chunk: number): Uint8Array {
  const bytes = new Uint8Array(medium.sizeBytes);
  for (let at = 0; at < bytes.length;) at += medium.read(at, bytes.subarray(at, at + chunk));
  return bytes;
}

Deno.test("a medium reads the same in pieces of any size, and has whole MiB", () => {
  const medium = smallMedium();
  assert.equal(medium.sizeBytes % (1 << 20), 0);
  const whole = allOf(medium, medium.sizeBytes);
  assert.deepEqual(Buffer.from(allOf(medium, 65_537)).compare(whole), 0);
  assert.equal(medium.read(medium.sizeBytes, new Uint8Array(10)), 0);
  assert.equal(new TextDecoder().decode(whole.subarray(16 * SECTOR + 1, 16 * SECTOR + 6)), "CD001");
});

Deno.test("both partitions lie where the boot programs are, and the first has no type", () => {
  const whole = allOf(smallMedium(), 1 << 20), view = new DataView(whole.buffer);
  const efi = view.getUint32(446 + 16 + 8, true) * 512, sectors = view.getUint32(446 + 16 + 12, true);
  assert.equal(whole[446 + 4], 0);
  assert.equal(whole[446 + 16 + 4], 0xef);
  assert.equal(new TextDecoder().decode(whole.subarray(efi + 54, efi + 59)), "FAT16");
  const catalog = view.getUint32(17 * SECTOR + 71, true) * SECTOR;
  assert.equal(view.getUint32(catalog + 104, true) * SECTOR, efi);
  assert.equal(view.getUint16(catalog + 102, true), sectors);
  const isolinux = view.getUint32(catalog + 40, true);
  assert.equal(view.getUint32(432, true), isolinux * 4);
  assert.equal(view.getUint32(isolinux * SECTOR + 12, true), isolinux);
});

Deno.test({
  name: "libarchive reads the disc, and mtools its UEFI partition",
  ...needs({ programs: ["bsdtar", "mdir"] }),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const packs = Array.from({ length: 200 }, (_, i) => ({
        name: `p${String(i).padStart(7, "0")}.pck`,
        bytes: filled(i * 17, i),
      }));
      await Deno.writeFile(`${folder}/medium.iso`, allOf(smallMedium(packs), 1 << 20));
      await run(["bsdtar", "-xf", `${folder}/medium.iso`, "-C", folder]);
      const inside = `${folder}/RACKSEED`;
      for (const { name, bytes } of packs) {
        assert.deepEqual(await Deno.readFile(`${inside}/${name.toUpperCase()}`), bytes, name);
      }
      assert.deepEqual(await Deno.readFile(`${inside}/VMLINUZ.BIN`), filled(70_001, 1));
      assert.match(await Deno.readTextFile(`${folder}/BOOT/GRUB/GRUB.CFG`), /rackseed\.medium=0123abcd/);
      assert.match(await Deno.readTextFile(`${folder}/ISOLINUX/ISOLINUX.CFG`), /rackseed\.medium=0123abcd/);
      await run(["mcopy", "-i", `${folder}/EFI.IMG`, "::EFI/BOOT/GRUBX64.EFI", `${folder}/grub`]);
      assert.deepEqual(await Deno.readFile(`${folder}/grub`), program("gcdx64.efi"));
      const listed = (await run(["mdir", "-i", `${folder}/EFI.IMG`, "::EFI/BOOT"])).stdout;
      assert.match(listed, /BOOTX64\s+EFI\s+1000000/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("names that firmware could not read are refused, and so is a file that is too large", () => {
  const boot = { bios: "A.B", efi: "A.B" }, label = "L";
  for (const path of ["lower.bin", "NODOT", "TOOLONGNAME.BIN", "A/B/LOWER/c.BIN", "../A.B"]) {
    const files = [{ path: "A.B", sizeBytes: 512 }, { path, sizeBytes: 1 }];
    assert.throws(() => layOutDisc({ label, created, files, boot }), /is not a name/, path);
  }
  const files = [{ path: "A.B", sizeBytes: 512 }, { path: "BIG.BIN", sizeBytes: 2 ** 32 }];
  assert.throws(() => layOutDisc({ label, created, files, boot }), /cannot put BIG.BIN on the medium/);
  assert.throws(() => fatImage([{ path: "grub.cfg", bytes: new Uint8Array() }], { label }), /short name/);
  assert.throws(
    () => fatImage([{ path: "A.B", bytes: new Uint8Array(40 << 20) }], { label }),
    /too large for FAT16/,
  );
  assert.throws(() => mediumLabel("not an id"), /is not the id/);
  const places = { isolinux: 30, efi: { sector: 40, sizeBytes: 512 }, sizeBytes: 1 << 20, diskId: 1 };
  assert.throws(() => bootRecord(new Uint8Array(440), places), /432/);
});

Deno.test("ISOLINUX's table of itself has its place, length and sum", () => {
  const program = filled(4099, 3), patched = withBootTable(program, { sector: 77 });
  const view = new DataView(patched.buffer);
  let sum = 0;
  const padded = new Uint8Array(4100);
  padded.set(program);
  for (let at = 64; at < 4100; at += 4) sum = (sum + new DataView(padded.buffer).getUint32(at, true)) >>> 0;
  assert.deepEqual([8, 12, 16, 20].map((at) => view.getUint32(at, true)), [16, 77, 4099, sum]);
});
