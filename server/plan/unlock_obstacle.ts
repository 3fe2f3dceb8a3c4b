/** Whether the image's initramfs can open the root in the way that was chosen for the clone. Pure. */
import type { Unlock } from "#contract/api/encryption.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { volumesBelow } from "#contract/format/volume_tree.ts";

/** Programs whose initramfs knows no TPM 2.0: their scripts, not systemd, open LUKS volumes. */
const WITHOUT_TPM = ["initramfs-tools", "mkinitfs"];

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const layout = { disks: [], fileSystems: [], swap: [] };
 * assert.equal(unlockObstacle(layout, "tpm2"), undefined);
 * ```
 */
export function unlockObstacle(
  layout: DiskLayout,
  unlock: Unlock | undefined,
): { reason: string; remedy: string } | undefined {
  const { boot, fileSystems } = layout;
  const root = fileSystems.find(({ mountPoint }) => mountPoint === "/");
  const isLocked = root !== undefined &&
    volumesBelow([root.volume, ...root.more ?? []], layout).some(({ kind }) => kind === "luks");
  if (unlock !== "tpm2" || !isLocked || boot === undefined || !WITHOUT_TPM.includes(boot.initramfs)) {
    return undefined;
  }
  return {
    reason: `its initramfs is made by ${boot.initramfs}, which cannot open the root with a TPM.`,
    remedy:
      "choose a passphrase or a key file for the node, or install dracut on the template and capture it again.",
  };
}
