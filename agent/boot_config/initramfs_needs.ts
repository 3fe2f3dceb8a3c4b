/** Decides whether a clone's initramfs must be made again on this machine, and why. Pure. */
import type { BootFacts } from "#contract/format/boot.ts";
import { volumesBelow } from "#contract/format/volume_tree.ts";
import type { TemplateDisks } from "../disk_references/template_disks.ts";

export interface InitramfsNeed {
  readonly because: string;
  /** Without it the clone does not find or open its root. */
  readonly isVital: boolean;
}

/** Files without which LVM or LUKS volumes are not found. */
const VITAL_FILE = /^\/etc\/(crypttab|lvm\/)/;

/**
 * `drivers`: modules that this machine's disks need; `rewritten`: changed files that the initramfs repeats.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { GRUB_ONLY } from "#contract/format/boot.ts";
 * import { TemplateDisks } from "../disk_references/template_disks.ts";
 * import { initramfsNeeds } from "./initramfs_needs.ts";
 *
 * const disks = new TemplateDisks({ disks: [], fileSystems: [], swap: [] }, { disks: [], loader: [] });
 * const facts = { ...GRUB_ONLY, hostOnly: true, drivers: ["virtio_blk", "virtio_pci"] };
 * const [need] = initramfsNeeds({ facts, drivers: ["nvme"], rewritten: [], disks });
 * assert.equal(need?.because, "it has only the template's drivers, and this machine needs nvme");
 * ```
 */
export function initramfsNeeds(
  { facts, drivers, rewritten, disks }: {
    facts: BootFacts;
    drivers: readonly string[];
    rewritten: readonly string[];
    disks: TemplateDisks;
  },
): InitramfsNeed[] {
  const missing = facts.hostOnly ? drivers.filter((name) => !facts.drivers.includes(name)) : [];
  return [
    ...missing.length > 0
      ? [{
        because: `it has only the template's drivers, and this machine needs ${missing.join(", ")}`,
        isVital: true,
      }]
      : [],
    ...keyNeeds(disks),
    ...rewritten.map((path) => ({
      because: `${path} names this machine's disks`,
      isVital: VITAL_FILE.test(path) && rootNeedsVolumes(disks),
    })),
  ];
}

/** A passphrase needs nothing that the template's initramfs lacks: it opens LUKS volumes, too. */
function keyNeeds(disks: TemplateDisks): InitramfsNeed[] {
  return lockedBelowRoot(disks).flatMap((name) => {
    const way = disks.clone.unlock?.get(name)?.way;
    if (way === undefined || way === "passphrase") return [];
    const words = way === "tpm2" ? "the machine's TPM" : "a key file";
    return [{ because: `the LUKS volume ${name} is opened by ${words}`, isVital: true }];
  });
}

/** Names of the LUKS volumes that must be open before the root is mounted. */
export function lockedBelowRoot(disks: TemplateDisks): string[] {
  return volumesBelowRoot(disks).flatMap((v) => v.kind === "luks" ? [v.name] : []);
}

/** Everything that the initramfs assembles: what /, /usr and the swap for hibernation lie on. */
export function volumesBelowRoot({ layout }: TemplateDisks) {
  const early = layout.fileSystems.filter(({ mountPoint }) => mountPoint === "/" || mountPoint === "/usr");
  return volumesBelow(early.flatMap((f) => [f.volume, ...f.more ?? []]), layout);
}

function rootNeedsVolumes(disks: TemplateDisks): boolean {
  return volumesBelowRoot(disks).some((v) => v.kind === "luks" || v.kind === "lv");
}

/** Arguments with which dracut's initramfs finds the root's volumes, even if it was not made on their machine. */
export function volumeArguments(disks: TemplateDisks): string[] {
  const { arrays = [], encrypted = [] } = disks.layout;
  return volumesBelowRoot(disks).flatMap((volume) => {
    switch (volume.kind) {
      case "md":
        return arrays.filter(({ name }) => name === volume.name).map(({ uuid }) => `rd.md.uuid=${uuid}`);
      case "lv":
        return [`rd.lvm.lv=${volume.group}/${volume.name}`];
      case "luks":
        return encrypted.filter(({ name }) => name === volume.name).flatMap(({ uuid, name }) => [
          `rd.luks.uuid=${uuid}`,
          `rd.luks.name=${uuid}=${name}`,
        ]);
      default:
        return [];
    }
  });
}
