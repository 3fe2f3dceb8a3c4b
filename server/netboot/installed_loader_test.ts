import assert from "node:assert/strict";
import type { DiskLayout } from "#contract/format/layout.ts";
import { installedLoader } from "./installed_loader.ts";

const A = "C12A7328-0000-4000-8000-00000000000A", B = "c12a7328-0000-4000-8000-00000000000b";

function layoutWith(
  { uuids, boot, esp = { kind: "partition", disk: 0, number: 1 }, arrays }: {
    uuids: readonly (string | undefined)[];
    boot?: Partial<NonNullable<DiskLayout["boot"]>>;
    esp?: DiskLayout["fileSystems"][number]["volume"];
    arrays?: DiskLayout["arrays"];
  },
): DiskLayout {
  return {
    disks: uuids.map((uuid) => ({
      name: "vda",
      sizeBytes: 8e9,
      sectorBytes: 512,
      table: "gpt",
      partitions: [{
        number: 1,
        startSector: 2048,
        sectors: 2048,
        type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        ...(uuid !== undefined && { uuid }),
      }],
    })),
    fileSystems: [{
      volume: esp,
      type: "vfat",
      mountPoint: "/boot/efi",
      mountOptions: "",
      sizeBytes: 1e6,
      usedBytes: 1e5,
      mkfs: { features: [] },
    }],
    swap: [],
    ...(arrays && { arrays }),
    ...(boot && {
      boot: { loader: "grub", entries: [], initramfs: "none", hostOnly: false, drivers: [], ...boot },
    }),
  };
}

Deno.test("a loader is found by the GUID of the EFI system partition, which clones have from their template", () => {
  assert.deepEqual(installedLoader(layoutWith({ uuids: [A] })), {
    partitions: [A.toLowerCase()],
    program: undefined,
  });
  const program = "EFI/redhat/shimx64.efi";
  assert.equal(installedLoader(layoutWith({ uuids: [A], boot: { program } }))?.program, program);
});

Deno.test("the other disk of a mirror starts the machine, too", () => {
  const copies = [{ volume: { kind: "partition", disk: 1, number: 1 } as const }];
  assert.deepEqual(installedLoader(layoutWith({ uuids: [A, B], boot: { copies } }))?.partitions, [
    A.toLowerCase(),
    B,
  ]);
  const members = [0, 1].map((disk) => ({ kind: "partition", disk, number: 1 } as const));
  const arrays = [{
    name: "md0",
    level: "raid1",
    metadata: "1.0",
    members,
  }] as unknown as DiskLayout["arrays"];
  const mirrored = layoutWith({ uuids: [A, B], esp: { kind: "md", name: "md0" }, arrays });
  assert.deepEqual(installedLoader(mirrored)?.partitions, [A.toLowerCase(), B]);
});

Deno.test("nothing is made up, and nothing gets into a script that is no GUID", () => {
  for (const uuids of [[], [undefined], [""], ["no-guid"], [`${A}0`]]) {
    assert.equal(installedLoader(layoutWith({ uuids })), undefined, String(uuids[0]));
  }
  assert.equal(installedLoader({ ...layoutWith({ uuids: [A] }), fileSystems: [] }), undefined);
});
