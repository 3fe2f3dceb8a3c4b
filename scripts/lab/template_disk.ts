/** Writes the template's disk: partitions, file systems, the Debian tree, its settings and boot loader. */
import { dirname } from "node:path/posix";
import { run } from "./command.ts";
import { keptPackages } from "./debian.ts";
import { LoopDisk, Mount } from "./loop_disk.ts";
import { plantOddities } from "./oddities.ts";
import type { Firmware } from "./qemu.ts";
import { firstLoader, productPath, settings, setUp } from "./template_settings.ts";

interface TemplateDiskOptions {
  readonly firmware: Firmware;
  /** The archive from `debianTree`. */
  readonly tree: string;
  readonly dataMiB: number;
  /** The raw image to create. */
  readonly image: string;
  /** A folder for mount points. */
  readonly work: string;
  /** The address of its only network interface (CIDR). */
  readonly address: string;
  /** An OpenSSH public key that may log in as root. */
  readonly authorizedKey: string;
  /** The compiled product, which the template contains. */
  readonly product: string;
  readonly signal?: AbortSignal | undefined;
}

export const templateDiskPrograms = [
  "sfdisk",
  "partx",
  "losetup",
  "mkfs.ext4",
  "mkfs.vfat",
  "mkswap",
  "mcopy",
  "mmd",
];

/** Partition numbers are the same for both firmwares: 1 boot loader, 2 root, 3 swap. */
export const rootPartition = 2;
export const bootPartition = 1;

const size = "2G";
const layout = {
  bios: "label: gpt\n,1M,21686148-6449-6E6F-744E-656564454649\n,1700M,L\n,,S\n",
  uefi: "label: gpt\n,64M,U\n,1700M,L\n,,S\n",
} satisfies Record<Firmware, string>;

export async function writeTemplateDisk(options: TemplateDiskOptions): Promise<void> {
  const { firmware, image, signal, work } = options;
  await run(["truncate", "-s", size, image]);
  await run(["sfdisk", "--quiet", image], { stdin: layout[firmware], signal });
  await using disk = await LoopDisk.attach(image);
  const root = disk.partition(rootPartition);
  await run(["mkfs.ext4", "-q", root], { signal });
  await run(["mkswap", disk.partition(3)], { signal });
  if (firmware === "uefi") await run(["mkfs.vfat", "-F", "32", "-n", "ESP", disk.partition(bootPartition)]);
  {
    await using mount = await Mount.at(`${work}/template`, { source: root, options: [] });
    await run(
      [
        "tar",
        "-C",
        mount.path,
        "--numeric-owner",
        "--xattrs",
        "--xattrs-include=*",
        "--acls",
        "-I",
        "zstd",
        "-xpf",
        options.tree,
      ],
      { signal },
    );
    await settle(mount.path, { ...options, disk });
  }
}

/** $0 root, $1 MiB: incompressible files of 16 MiB, like a database's. */
const applicationData = `mkdir "$0/var/lib/greet"
head -c "$1M" /dev/urandom | split -b 16M - "$0/var/lib/greet/table"`;

async function settle(
  root: string,
  options: TemplateDiskOptions & { readonly disk: LoopDisk },
): Promise<void> {
  const { firmware, disk, signal } = options;
  const rootUuid = await uuid(disk.partition(rootPartition));
  for (const [path, { text, mode }] of settings(options)) {
    await Deno.mkdir(dirname(`${root}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, text);
    await Deno.chmod(`${root}/${path}`, mode);
  }
  if (options.dataMiB > 0) {
    await run(["sh", "-ec", applicationData, root, `${options.dataMiB}`], { signal });
  }
  await Deno.mkdir(dirname(`${root}/${productPath}`));
  await Deno.copyFile(options.product, `${root}/${productPath}`);
  await plantOddities(root, { signal });
  await using _dev = await Mount.at(`${root}/dev`, { source: "tmpfs", options: ["-t", "tmpfs"] });
  await run(["sh", "-ec", deviceNodes, root, disk.device, rootUuid], { signal });
  await using _proc = await Mount.at(`${root}/proc`, { source: "proc", options: ["-t", "proc"] });
  await using _sys = await Mount.at(`${root}/sys`, { source: "sysfs", options: ["-t", "sysfs"] });
  await run([
    "chroot",
    root,
    "sh",
    "-ec",
    setUp({ firmware, disk: disk.device, packages: keptPackages, rootUuid }),
  ], {
    signal,
    env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" },
  });
  if (firmware === "uefi") await writeEsp(root, { esp: disk.partition(bootPartition) });
}

/** update-grub writes root=UUID=… only if it finds udev's link for it, which the host may lack. */
const deviceNodes = `
cp -a /dev/null /dev/zero /dev/urandom "$1" "$1"p* "$0/dev/"
mkdir -p "$0/dev/disk/by-uuid"
ln -s "$1p${rootPartition}" "$0/dev/disk/by-uuid/$2"
`;

/**
 * The host may lack vfat, so mtools write the loader to the ESP: where Debian's grub-install puts it, and to the
 * fallback path, because the first machine starts without an entry in its NVRAM.
 */
async function writeEsp(root: string, { esp }: { readonly esp: string }): Promise<void> {
  const loader = `${root}${firstLoader}`;
  await run(["mmd", "-i", esp, "::/EFI", "::/EFI/BOOT", "::/EFI/debian"]);
  await run(["mcopy", "-i", esp, loader, "::/EFI/BOOT/BOOTX64.EFI"]);
  await run(["mcopy", "-i", esp, loader, "::/EFI/debian/grubx64.efi"]);
  await Deno.remove(loader);
}

async function uuid(device: string): Promise<string> {
  return (await run(["blkid", "-p", "-s", "UUID", "-o", "value", device])).stdout.trim();
}
