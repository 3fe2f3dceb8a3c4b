/** The file systems of a layout's template, as images: the lab's Debian with the layout's packages and files. */
import { dirname } from "node:path/posix";
import { run } from "../command.ts";
import { debianTree, keptPackages } from "../debian.ts";
import { Mount } from "../loop_disk.ts";
import { plantOddities } from "../oddities.ts";
import { settings } from "../template_settings.ts";
import type { LabLayout, TreeFileSystem } from "./layout.ts";

interface TreeOptions {
  readonly cache: string;
  /** A folder for the images image0, image1 … of the layout's file systems. */
  readonly work: string;
  readonly address: string;
  readonly authorizedKey: string;
  readonly dataMiB: number;
  readonly signal?: AbortSignal | undefined;
}

/** The host may lack vfat: such a file system is made in the small VM. */
export function onHost({ fileSystems }: LabLayout): readonly TreeFileSystem[] {
  return fileSystems.filter(({ type }) => type !== "vfat");
}

export async function writeLayoutTree(layout: LabLayout, options: TreeOptions): Promise<void> {
  const { cache, work, dataMiB, signal } = options;
  const base = await debianTree({ cache, work, signal });
  const root = `${work}/tree`;
  await using stack = new AsyncDisposableStack();
  for (const [i, fileSystem] of onHost(layout).entries()) {
    await mountNew(fileSystem, { root, image: `${work}/image${i}`, stack });
  }
  const attributes = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls"];
  await run(["tar", "-C", root, ...attributes, "-I", "zstd", "-xpf", base], { signal });
  const files = new Map([...settings({ firmware: layout.firmware, ...options }), ...layout.files]);
  await addPackages(root, layout, { files, signal });
  await run(["sh", "-ec", applicationData, root, `${dataMiB}`], { signal });
  await plantOddities(root, { signal });
}

async function mountNew(
  { at, type, sizeMiB, mkfs, subvolumes = [{ name: "", at }] }: TreeFileSystem,
  { root, image, stack }: {
    readonly root: string;
    readonly image: string;
    readonly stack: AsyncDisposableStack;
  },
): Promise<void> {
  await run(["truncate", "-s", `${sizeMiB}M`, image]);
  await run([`mkfs.${type}`, "-q", ...mkfs, image]);
  if (type !== "btrfs") {
    stack.use(await Mount.at(`${root}${at}`, { source: image, options: ["-o", "loop"] }));
    return;
  }
  {
    await using top = await Mount.at(`${image}.top`, { source: image, options: ["-o", "loop"] });
    for (const { name } of subvolumes) {
      await run(["btrfs", "-q", "subvolume", "create", `${top.path}/${name}`]);
    }
  }
  await Deno.remove(`${image}.top`);
  for (const { name, at } of subvolumes) {
    const options = ["-o", `loop,subvol=${name},compress=zstd:1`];
    stack.use(await Mount.at(`${root}${at}`, { source: image, options }));
  }
}

async function addPackages(
  root: string,
  { firmware, packages, setUp }: LabLayout,
  { files, signal }: {
    readonly files: ReadonlyMap<string, { readonly text: string; readonly mode: number }>;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  stack.use(await Mount.at(`${root}/proc`, { source: "proc", options: ["-t", "proc"] }));
  stack.use(await Mount.at(`${root}/sys`, { source: "/sys", options: ["--bind"] }));
  stack.use(await Mount.at(`${root}/dev`, { source: "/dev", options: ["--bind"] }));
  const inside = async (script: string) => {
    const env = {
      DEBIAN_FRONTEND: "noninteractive",
      LC_ALL: "C.UTF-8",
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    };
    await run(["chroot", root, "sh", "-ec", script], { signal, onlyEnv: env });
  };
  await inside(install(firmware === "bios" ? "grub-pc" : "grub-efi-amd64", packages));
  for (const [path, { text, mode }] of files) {
    await Deno.mkdir(dirname(`${root}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, text);
    await Deno.chmod(`${root}/${path}`, mode);
  }
  await inside(common + setUp);
}

/** A layout's own setUp makes the initramfs, once its files are there. */
const install = (grub: string, packages: readonly string[]) => `
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
mkdir -p /etc/initramfs-tools; echo update_initramfs=no > /etc/initramfs-tools/update-initramfs.conf
apt-get -q update
${packages.includes("systemd-boot") ? "" : `dpkg --install /${keptPackages}/${grub}_*.deb`}
apt-get -q -y -o Dpkg::Options::=--force-confold install --no-install-recommends ${packages.join(" ")}
apt-get clean
rm -r /usr/sbin/policy-rc.d /${keptPackages}
[ ! -d /etc/initramfs-tools ] || echo update_initramfs=yes > /etc/initramfs-tools/update-initramfs.conf
find /var/lib/apt/lists -type f -delete
`;

/** Nothing may start by the clock, and leave its stamp, between the capture and the comparison. */
const common = `
systemctl enable greet.socket
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
chmod 700 /root/.ssh
`;

/** $0 root, $1 MiB: incompressible files of 16 MiB, like a database's. */
const applicationData = `mkdir -p "$0/var/lib/greet"
[ "$1" = 0 ] || head -c "$1M" /dev/urandom | split -b 16M - "$0/var/lib/greet/table"`;
