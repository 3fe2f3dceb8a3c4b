/** mkinitcpio(8) of Arch, mkinitfs of Alpine. */
import { flavourImages } from "../../boot_config/kernels.ts";
import { type InitramfsOptions, TIMEOUT_MS } from "./initramfs_options.ts";
import { volumesBelowRoot } from "../../boot_config/initramfs_needs.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

/** Makes all presets. Its hook autodetect looks at the machine that it runs on, which is the right one. */
export async function makeWithMkinitcpio(
  clone: CloneTree,
  { run, signal }: InitramfsOptions,
): Promise<string[]> {
  await run(["mkinitcpio", "-P"], {
    root: clone.root,
    signal,
    timeoutMs: TIMEOUT_MS,
    title: "cannot run mkinitcpio",
  });
  const unified = await Promise.all(
    ["/boot", "/efi", "/boot/efi"].map((esp) => clone.list(`${esp}/EFI/Linux`)),
  );
  return [
    ...(await clone.list("/boot")).filter((path) => /\/initramfs-[^/]*\.img$/.test(path)),
    ...unified.flat(),
  ];
}

/** Alpine's names for groups of drivers: mkinitfs's features.d. */
const FEATURES: Readonly<Record<string, string>> = {
  nvme: "nvme",
  ahci: "ata",
  ata_piix: "ata",
  sd_mod: "scsi",
  virtio_blk: "virtio",
  virtio_scsi: "virtio",
  virtio_pci: "virtio",
  sdhci_pci: "mmc",
  mmc_block: "mmc",
  xhci_pci: "usb",
};
const VOLUME_FEATURES: Readonly<Record<string, string>> = { md: "raid", lv: "lvm", luks: "cryptsetup" };

export async function makeWithMkinitfs(
  clone: CloneTree,
  { drivers, disks, run, signal }: InitramfsOptions,
): Promise<string[]> {
  const settings = await clone.text("/etc/mkinitfs/mkinitfs.conf") ?? "";
  const [, configured = ""] = /^\s*features="([^"\n]*)"/m.exec(settings) ?? [];
  const features = new Set([
    ...configured.split(/\s+/).filter((name) => /^[\w.-]+$/.test(name)),
    ...drivers.flatMap((name) => FEATURES[name] ?? []),
    ...volumesBelowRoot(disks).flatMap(({ kind }) => VOLUME_FEATURES[kind] ?? []),
  ]);
  const made: string[] = [];
  for (const { release, path } of await flavourImages(clone)) {
    await run(["mkinitfs", "-F", [...features].join(" "), "-o", path, release], {
      root: clone.root,
      signal,
      timeoutMs: TIMEOUT_MS,
      title: `cannot make ${path}`,
    });
    made.push(path);
  }
  if (made.length === 0) throw new RangeError("no initramfs that mkinitfs made was found");
  return made;
}
