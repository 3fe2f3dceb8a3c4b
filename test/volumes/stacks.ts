/** Real stacks of volumes on /dev/vdb and what follows, made as an administrator would, and taken apart again. */
import { readDisk } from "../../agent/layout/disks.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { runCommand } from "../../agent/sys/command.ts";
import { DISKS } from "./in_small_vm.ts";

/** A quick key derivation: the machine is emulated. */
const QUICK = "--pbkdf pbkdf2 --pbkdf-force-iterations 1000 -q";
export const KEY = "correct horse";

/** Runs a shell script; throws with its output. */
export async function shell(script: string): Promise<string> {
  const { stdout } = await runCommand(["sh", "-ec", script], { timeoutMs: 180_000 });
  return stdout.trim();
}

export async function facts(names: readonly string[] = DISKS): Promise<DiskFacts[]> {
  return (await Promise.all(names.map((name) => readDisk(name)))).flatMap((disk) => disk ?? []);
}

/** How much was ever written to the disks, in sectors. */
export async function written(names: readonly string[] = DISKS): Promise<string> {
  await shell("sync");
  const stats = await Promise.all(names.map((name) => Deno.readTextFile(`/sys/block/${name}/stat`)));
  return stats.map((stat) => stat.trim().split(/\s+/)[6]).join();
}

/** Debian's settings of LVM wait for udev, which does not run here. */
export async function prepare(): Promise<void> {
  const settings = "activation{udev_sync=0 udev_rules=0 verify_udev_operations=1 monitoring=0}\n";
  await Deno.writeTextFile("/etc/lvm/lvmlocal.conf", settings);
}

export async function wipe(): Promise<void> {
  await shell(`for d in ${DISKS.join(" ")}; do
    for p in /dev/$d?*; do [ -b $p ] && wipefs -qaf $p; done; wipefs -qaf /dev/$d; blkdiscard -f /dev/$d
    blockdev --rereadpt /dev/$d
  done`);
}

/** LVM on LUKS on a mirror, with an ext4 root and a swap volume, and /boot on a mirror of its own. */
export const MIRRORED = {
  async make(): Promise<void> {
    await prepare();
    await shell(`
      for d in vdb vdc; do
        printf 'label: gpt\\nsize=64M,type=raid\\nsize=300M,type=raid,name=sys\\n' | sfdisk -q /dev/$d
      done
      mdadm --create /dev/md/boot -q --run --level=1 -n 2 --metadata=1.0 --bitmap=none --name=lab:boot /dev/vdb1 /dev/vdc1
      mdadm --create /dev/md/sys -q --run --level=1 -n 2 --metadata=1.2 --bitmap=internal --name=lab:sys \\
        --assume-clean /dev/vdb2 --write-mostly /dev/vdc2
      printf '${KEY}' | cryptsetup luksFormat ${QUICK} --type luks2 --label safe /dev/md/sys -
      printf '${KEY}' | cryptsetup open --allow-discards --persistent /dev/md/sys safe -
      vgcreate -q --addtag prod vg-0 /dev/mapper/safe
      lvcreate -q -y -L 150M -n root --addtag os/root vg-0
      lvcreate -q -y -L 64M -n swap vg-0
      mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 -L root /dev/vg-0/root
      mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 -L boot /dev/md/boot
      mdadm --wait /dev/md/boot || true
      mkswap -q -L swp /dev/vg-0/swap
      mkdir -p /mnt/m; mount /dev/vg-0/root /mnt/m; mkdir /mnt/m/boot /mnt/m/etc; mount /dev/md/boot /mnt/m/boot
      echo kept > /mnt/m/file; echo lab > /mnt/m/etc/hostname
      printf '%s\\n' '/dev/mapper/vg--0-root / ext4 defaults 0 1' '/dev/md/boot /boot ext4 defaults 0 2' \\
        '/dev/vg-0/swap none swap sw 0 0' > /mnt/m/etc/fstab
      echo "safe UUID=$(cryptsetup luksUUID /dev/md/sys) none luks" > /mnt/m/etc/crypttab
    `);
  },
  async unmount(): Promise<void> {
    await shell("umount /mnt/m/boot /mnt/m");
  },
  async stop(): Promise<void> {
    await shell("vgchange -q -an vg-0; cryptsetup close safe; mdadm -q --stop /dev/md/sys /dev/md/boot");
  },
};

/** Every kind of logical volume that is rebuilt, on three whole disks. */
export const MANY_KINDS = {
  async make(): Promise<void> {
    await prepare();
    await shell(`
      vgcreate -q vg1 /dev/vdb /dev/vdc /dev/vdd
      lvcreate -q -y -L 32M -n plain vg1 /dev/vdc
      lvcreate -q -y -L 32M -n wide -i 2 -I 64k vg1
      lvcreate -q -y -L 32M -n twice --type raid1 -m 1 vg1
      lvcreate -q -y -L 32M -n old --type mirror -m 1 --mirrorlog core vg1
      lvcreate -q -y -L 32M -n five --type raid5 -i 2 vg1
      lvcreate -q -y -L 100M -n pool --type thin-pool -c 128k --poolmetadatasize 4M vg1
      lvcreate -q -y -V 300M -n thin --thinpool pool vg1
      lvcreate -q -y -L 8M -n before -s vg1/plain
      mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 /dev/vg1/thin; mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 /dev/vg1/twice
      mkdir -p /mnt/m; mount /dev/vg1/thin /mnt/m; echo thin > /mnt/m/file; mkdir /mnt/m/twice /mnt/m/etc
      echo lab > /mnt/m/etc/hostname
      printf '%s\\n' '/dev/vg1/thin / ext4 defaults 0 1' '/dev/mapper/vg1-twice /twice ext4 defaults 0 2' \\
        > /mnt/m/etc/fstab
      mount /dev/vg1/twice /mnt/m/twice; echo twice > /mnt/m/twice/file
      while lvs --noheadings -o sync_percent vg1 | grep -v 100.00 | grep -q '[0-9]'; do sleep 1; done
    `);
  },
  async unmount(): Promise<void> {
    await shell("umount /mnt/m/twice /mnt/m");
  },
  async stop(): Promise<void> {
    await shell("vgchange -q -an vg1");
  },
};
