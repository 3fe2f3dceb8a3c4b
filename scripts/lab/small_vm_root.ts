/** The small VM's Debian: kernel, initramfs and root file system, made once by debootstrap and cached. */
import { createHash } from "node:crypto";
import { run } from "./command.ts";
import { madeOnce } from "./made_once.ts";

const recipe = {
  suite: "bookworm",
  packages: [
    // Debian's cloud kernel has neither 9p nor f2fs.
    ...["linux-image-amd64", "kmod", "udev", "busybox-static", "util-linux", "util-linux-extra"],
    ...[
      "mdadm",
      "lvm2",
      "dmsetup",
      "dmeventd",
      "thin-provisioning-tools",
      "cryptsetup-bin",
      "multipath-tools",
    ],
    ...["e2fsprogs", "xfsprogs", "btrfs-progs", "f2fs-tools", "dosfstools", "mtools"],
    ...[
      "fdisk",
      "gdisk",
      "parted",
      "nvme-cli",
      "efibootmgr",
      "grub2-common",
      "grub-pc-bin",
      "grub-efi-amd64-bin",
    ],
    ...["tpm2-tools", "libtss2-tcti-device0", "libtss2-esys-3.0.2-0", "libtss2-mu0", "libtss2-rc0"],
    ...["attr", "acl", "rsync", "zstd", "xz-utils", "cpio", "file", "psmisc", "procps", "iproute2", "strace"],
    ...["ca-certificates"],
  ],
  // What the initramfs needs to mount the root; modprobe loads the rest.
  modules: ["virtio_pci", "virtio_blk", "squashfs", "overlay", "9p", "9pnet_virtio", "virtio_console"],
};

/** `$0` the root's tree, `$1` where the initramfs goes, `$2` its init, the rest the modules. */
const makeInitramfs = String.raw`
tree=$0 image=$1 init=$2; shift 2
version=$(ls "$tree/lib/modules")
work=$(mktemp -d); trap 'rm -r "$work"' EXIT
mkdir "$work/bin" "$work/modules"
cp "$tree/bin/busybox" "$work/bin/"
printf %s "$init" > "$work/init"; chmod 755 "$work/init"
for module; do
  chroot "$tree" modprobe --set-version "$version" --show-depends "$module" | sed -n 's/^insmod //p'
done | awk '!seen[$1]++ { print $1 }' | while read -r path; do
  number=$((number + 1))
  cp "$tree$path" "$(printf '%s/modules/%03d-%s' "$work" "$number" "$(basename "$path")")"
done
(cd "$work" && find . | cpio --quiet -o -H newc) | zstd -q -3 -o "$image"
`;

/** Mounts the root under a file system in memory and goes on with the control folder's script. */
const init = `#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /proc /dev /lower /upper /root
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod "$module" 2> /dev/null; done
$b mount -t squashfs -o ro /dev/vda /lower
$b mount -t tmpfs -o size=75% upper /upper
$b mkdir /upper/up /upper/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/upper/up,workdir=/upper/work root /root
$b mkdir -p /root/control
$b mount -t 9p -o ro,trans=virtio,version=9p2000.L control /root/control
$b mount --move /dev /root/dev
$b umount /proc
exec $b switch_root /root /bin/sh /control/start.sh
`;

export interface SmallVmRoot {
  readonly kernel: string;
  readonly initramfs: string;
  readonly root: string;
}

export const smallVmRootPrograms = ["debootstrap", "mksquashfs", "cpio", "zstd", "chroot"];

/** @param cache the folder that keeps it between runs */
export async function smallVmRoot(
  { cache, signal }: { readonly cache: string; readonly signal?: AbortSignal | undefined },
): Promise<SmallVmRoot> {
  const key = createHash("sha256").update(JSON.stringify({ recipe, init, makeInitramfs })).digest("hex");
  const folder = `${cache}/small-vm-${key.slice(0, 16)}`;
  await madeOnce(folder, (part) => make(part, { signal }));
  return { kernel: `${folder}/vmlinuz`, initramfs: `${folder}/initramfs`, root: `${folder}/root.squashfs` };
}

async function make(part: string, { signal }: { readonly signal?: AbortSignal | undefined }) {
  const tree = `${part}/tree`;
  await Deno.mkdir(part);
  const packages = recipe.packages.join();
  await run(["debootstrap", "--variant=minbase", `--include=${packages}`, recipe.suite, tree], { signal });
  await run([
    "sh",
    "-ec",
    `mv "$0"/boot/vmlinuz-* "$1"; rm -rf "$0"/boot/* "$0"/var/cache/apt/* \\
    "$0"/var/lib/apt/lists/* "$0"/usr/share/doc "$0"/usr/share/man "$0"/usr/share/locale`,
    tree,
    `${part}/vmlinuz`,
  ]);
  await run(["sh", "-ec", makeInitramfs, tree, `${part}/initramfs`, init, ...recipe.modules], { signal });
  const compression = ["-comp", "zstd", "-Xcompression-level", "3"];
  await run(["mksquashfs", tree, `${part}/root.squashfs`, "-quiet", "-no-progress", ...compression], {
    signal,
  });
  await Deno.remove(tree, { recursive: true });
}
