import assert from "node:assert/strict";
import { luksVolume } from "#contract/format/testing/samples.ts";
import type { BootFacts } from "#contract/format/boot.ts";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { biosDisk, ext4 } from "./testing/templates.ts";
import { unlockObstacle } from "./unlock_obstacle.ts";

const layout = (
  mountPoint: string,
  initramfs?: BootFacts["initramfs"],
  limits: Pick<BootFacts, "noRemake" | "noTpm"> = {},
): DiskLayout => ({
  disks: [biosDisk],
  encrypted: [luksVolume("crypt", { on: { kind: "partition", disk: 0, number: 3 } })],
  fileSystems: [
    ext4(2, mountPoint === "/" ? "/boot" : "/"),
    ext4(3, mountPoint, { volume: { kind: "luks", name: "crypt" } }),
  ],
  swap: [],
  ...(initramfs && { boot: { ...GRUB_ONLY, initramfs, ...limits } }),
});

Deno.test("a root that its initramfs cannot open with the TPM is refused before anything is written", () => {
  assert.match(
    unlockObstacle(layout("/", "initramfs-tools"), "tpm2")?.reason ?? "",
    /initramfs-tools, which cannot/,
  );
  assert.match(unlockObstacle(layout("/", "mkinitfs"), "tpm2")?.reason ?? "", /mkinitfs/);
});

Deno.test("a key file that cannot be put into the initramfs is refused", () => {
  assert.match(unlockObstacle(layout("/", "mkinitcpio"), "key-file")?.reason ?? "", /with a key file/);
  assert.match(unlockObstacle(layout("/usr", "mkinitfs"), "key-file")?.reason ?? "", /with a key file/);
  assert.equal(unlockObstacle(layout("/srv", "mkinitcpio"), "key-file"), undefined);
});

Deno.test("what the image lacks for a TPM, or to make its initramfs again, is refused where it is needed", () => {
  const noTpm = { noTpm: "libtss2-esys is not installed" }, noRemake = { noRemake: "it has no name" };
  assert.match(unlockObstacle(layout("/srv", "dracut", noTpm), "tpm2")?.reason ?? "", /: libtss2-esys/);
  assert.equal(unlockObstacle(layout("/", "dracut", noTpm), "key-file"), undefined);
  for (const unlock of ["tpm2", "key-file"] as const) {
    assert.match(
      unlockObstacle(layout("/", "dracut", noRemake), unlock)?.reason ?? "",
      /made again .*no name/,
    );
    assert.equal(unlockObstacle(layout("/srv", "dracut", noRemake), unlock), undefined);
  }
  assert.equal(unlockObstacle(layout("/", "dracut", { ...noTpm, ...noRemake }), "passphrase"), undefined);
});

Deno.test("other ways, other programs, other file systems and versions that do not say are not refused", () => {
  assert.equal(unlockObstacle(layout("/", "initramfs-tools"), "passphrase"), undefined);
  assert.equal(unlockObstacle(layout("/", "initramfs-tools"), "key-file"), undefined);
  assert.equal(unlockObstacle(layout("/", "dracut"), "tpm2"), undefined);
  assert.equal(unlockObstacle(layout("/", "mkinitcpio"), "tpm2"), undefined);
  assert.equal(unlockObstacle(layout("/srv", "initramfs-tools"), "tpm2"), undefined);
  assert.equal(unlockObstacle(layout("/"), "tpm2"), undefined);
});
