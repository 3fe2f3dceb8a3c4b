import assert from "node:assert/strict";
import type { FileSystem } from "#contract/format/layout.ts";
import { parseFatBootSector } from "../../layout/properties/fat.ts";
import { runCommand } from "../../sys/command.ts";
import { mkfsVfatArgv, narrowed } from "#plan/plan_fat.ts";

const MIB = 1 << 20;

function esp(bits: 12 | 16 | 32, more: Partial<FileSystem["mkfs"]> = {}): FileSystem {
  return {
    volume: { kind: "partition", disk: 0, number: 1 },
    type: "vfat",
    mountPoint: "/boot/efi",
    mountOptions: "",
    sizeBytes: 100 * MIB,
    usedBytes: 0,
    mkfs: { features: [], fatBits: bits, ...more },
  };
}

const isThere = (path: string) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};
const ignore = !["/usr/sbin/mkfs.vfat", "/usr/sbin/fsck.vfat"].every(isThere);
if (ignore) console.log("a test of FAT is left out: dosfstools are not there");

/** As mkfs.vfat makes it: the number of clusters, and whether fsck.vfat finds no fault. */
async function made(argv: readonly [string, ...string[]], sizeBytes: number) {
  const file = await Deno.makeTempFile();
  try {
    await Deno.truncate(file, sizeBytes);
    await runCommand([...argv, file]);
    const { stdout, stderr } = await runCommand(["fsck.vfat", "-nv", file]);
    using image = await Deno.open(file);
    const sector = new Uint8Array(512);
    await image.read(sector);
    const fat = parseFatBootSector(sector, { startSector: undefined });
    return { clusters: fat?.clusters ?? 0, complaint: /warning.*/i.exec(stdout + stderr)?.[0] };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test({
  name: "the number of clusters agrees with the width of the FAT, whatever the size and the sectors",
  ignore,
  async fn() {
    const sizes = [3, 8, 15, 16, 17, 31, 33, 34, 64, 100, 127, 200, 256, 257, 260, 264, 300, 512, 1024, 2100];
    for (const mebibytes of sizes) {
      for (const sectorBytes of [512, 4096]) {
        for (const bits of [32, 16] as const) {
          const room = { sizeBytes: mebibytes * MIB, sectorBytes, sectorBytesBefore: 512 };
          const argv = mkfsVfatArgv(esp(bits), room);
          const width = Number(argv[argv.indexOf("-F") + 1]);
          const { clusters, complaint } = await made(argv, room.sizeBytes);
          const said = clusters < 4085 ? 12 : clusters < 65_525 ? 16 : 32;
          assert.deepEqual([width, complaint], [said, undefined], `${mebibytes} MiB: ${argv.join(" ")}`);
          assert.equal(width === bits, narrowed(esp(bits), room) === undefined);
        }
      }
    }
  },
});

Deno.test("the plan says that a FAT is narrower", () => {
  const room = { sizeBytes: 100 * MIB, sectorBytes: 4096, sectorBytesBefore: 512 };
  assert.equal(narrowed(esp(32), room), "as FAT16, since it would have too few clusters for FAT32");
  assert.equal(narrowed(esp(32), { ...room, sectorBytes: 512 }), undefined);
});
