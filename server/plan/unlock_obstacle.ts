/** Whether the image can open the clone's encrypted volumes in the way that was chosen for the clone. Pure. */
import type { Unlock } from "#contract/api/encryption.ts";
import type { BootFacts } from "#contract/format/boot.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { volumesBelow } from "#contract/format/volume_tree.ts";
import type { Obstacle } from "./obstacle.ts";

/** Programs whose initramfs cannot open a root in this way. For a TPM it needs systemd, not scripts of its own. */
const UNABLE: Readonly<Record<Exclude<Unlock, "passphrase">, readonly BootFacts["initramfs"][]>> = {
  "tpm2": ["initramfs-tools", "mkinitfs"],
  // their settings name the files that go into the initramfs, and are the template's
  "key-file": ["mkinitcpio", "mkinitfs"],
};
const WORDS = { "tpm2": "with a TPM", "key-file": "with a key file" } as const;

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const layout = { disks: [], fileSystems: [], swap: [] };
 * assert.equal(unlockObstacle(layout, "tpm2"), undefined);
 * ```
 */
export function unlockObstacle(layout: DiskLayout, unlock: Unlock | undefined): Obstacle | undefined {
  const { boot, encrypted = [] } = layout;
  if (unlock === undefined || unlock === "passphrase" || boot === undefined || encrypted.length === 0) {
    return undefined;
  }
  const others = unlock === "tpm2" ? "a passphrase or a key file" : "a passphrase";
  if (unlock === "tpm2" && boot.noTpm !== undefined) {
    return {
      reason: `its encrypted volumes cannot be bound to a TPM: ${boot.noTpm}.`,
      remedy: `choose ${others} for the node, or change that on the template and capture it again.`,
    };
  }
  if (!isRootLocked(layout)) return undefined;
  if (UNABLE[unlock].includes(boot.initramfs)) {
    return {
      reason: `its initramfs is made by ${boot.initramfs}, which cannot open the root ${WORDS[unlock]}.`,
      remedy: `choose ${others} for the node, or install dracut on the template and capture it again.`,
    };
  }
  return boot.noRemake === undefined ? undefined : {
    reason: `its initramfs must be made again to open the root ${
      WORDS[unlock]
    }, and cannot: ${boot.noRemake}.`,
    remedy: "choose a passphrase for the node, or change that on the template and capture it again.",
  };
}

function isRootLocked(layout: DiskLayout): boolean {
  const early = layout.fileSystems.filter(({ mountPoint }) => mountPoint === "/" || mountPoint === "/usr");
  return volumesBelow(early.flatMap((f) => [f.volume, ...f.more ?? []]), layout)
    .some(({ kind }) => kind === "luks");
}
