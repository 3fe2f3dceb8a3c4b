/** The files that name disks in a known form, and how each is rewritten. */
import { rewriteArguments, rewriteBootMenu, rewriteEnvironment } from "./rewrite_arguments.ts";
import { rewriteArrays } from "./rewrite_arrays.ts";
import { rewriteDebconf } from "./rewrite_debconf.ts";
import { rewriteDevicesFile, rewriteLvmFilters } from "./rewrite_lvm.ts";
import { rewriteMultipathList, rewriteMultipathSettings } from "./rewrite_multipath.ts";
import { rewriteCrypttab, rewriteFstab } from "./rewrite_tables.ts";
import { isComment, replaceInLine, replaceNames, type Rewrite, type Rewriting } from "./rewriting.ts";

export interface CoveredFiles {
  /** An asterisk matches any part of one path component. */
  readonly path: string;
  readonly rewrite: Rewrite;
  /** Whether it is copied into the initramfs, so that a change asks for another one. */
  readonly inInitramfs?: boolean;
}

const paths = (rewrite: Rewrite, ...list: readonly string[]): CoveredFiles[] =>
  list.map((path) => ({ path, rewrite }));

const inInitramfs = (rewrite: Rewrite, ...list: readonly string[]): CoveredFiles[] =>
  list.map((path) => ({ path, rewrite, inInitramfs: true }));

const monitored = ownDisk("the program does not find it; make it optional, or remove the line");

export const COVERED_FILES: readonly CoveredFiles[] = [
  { path: "/etc/fstab", rewrite: rewriteFstab },
  ...inInitramfs(rewriteCrypttab, "/etc/crypttab", "/etc/crypttab.initramfs"),
  ...inInitramfs(rewriteArguments, "/etc/initramfs-tools/initramfs.conf", "/etc/initramfs-tools/conf.d/*"),
  ...paths(
    rewriteArguments,
    "/etc/default/grub",
    "/etc/default/grub.d/*.cfg",
    "/etc/default/extlinux",
    "/etc/default/u-boot",
    "/etc/kernel/cmdline",
    "/etc/cmdline.d/*.conf",
    "/etc/sysconfig/bootloader",
    "/etc/sysconfig/grub",
    "/etc/sysconfig/kernel",
  ),
  ...paths(
    rewriteBootMenu,
    "/boot/grub/grub.cfg",
    "/boot/grub2/grub.cfg",
    "/boot/grub/custom.cfg",
    "/boot/grub2/custom.cfg",
    "/boot/efi/EFI/*/grub.cfg",
    "/boot/loader/entries/*.conf",
    "/boot/efi/loader/entries/*.conf",
    "/efi/loader/entries/*.conf",
    "/boot/extlinux/extlinux.conf",
    "/boot/syslinux/syslinux.cfg",
  ),
  ...paths(rewriteEnvironment, "/boot/grub/grubenv", "/boot/grub2/grubenv", "/boot/efi/EFI/*/grubenv"),
  ...paths(rewriteDebconf, "/var/cache/debconf/config.dat"),
  ...paths(rewriteGrubDevices, "/etc/default/grub_installdevice"),
  ...paths(
    monitored,
    "/boot/grub/device.map",
    "/boot/grub2/device.map",
    "/etc/smartd.conf",
    "/etc/smartmontools/smartd.conf",
    "/etc/sysconfig/smartmontools",
    "/etc/default/smartmontools",
    "/etc/default/hddtemp",
    "/etc/hdparm.conf",
    "/etc/sdparm.conf",
  ),
  ...inInitramfs(
    rewriteArrays,
    "/etc/mdadm/mdadm.conf",
    "/etc/mdadm/mdadm.conf.d/*",
    "/etc/mdadm.conf",
    "/etc/mdadm.conf.d/*",
  ),
  ...inInitramfs(rewriteLvmFilters, "/etc/lvm/lvm.conf", "/etc/lvm/lvmlocal.conf"),
  ...inInitramfs(rewriteDevicesFile, "/etc/lvm/devices/*.devices"),
  ...inInitramfs(rewriteMultipathList, "/etc/multipath/wwids", "/etc/multipath/bindings"),
  ...inInitramfs(rewriteMultipathSettings, "/etc/multipath.conf", "/etc/multipath/conf.d/*.conf"),
  ...paths(asPath, "/etc/mtools.conf", "/etc/auto.*", "/etc/auto.master.d/*"),
  ...paths(rewriteDracut, "/etc/dracut.conf", "/etc/dracut.conf.d/*.conf"),
  ...paths(rewriteUnit, "/etc/systemd/system/*.mount", "/etc/systemd/system/*.automount"),
  ...paths(noteSwapUnit, "/etc/systemd/system/*.swap"),
];

function asPath(text: string, rewriting: Rewriting): string {
  return replaceNames(text, rewriting, { form: "path", effect: "clones do not find it; remove it" });
}

function ownDisk(effect: string): Rewrite {
  return (text, rewriting) => replaceNames(text, rewriting, { form: "own", effect });
}

/** SUSE's list of devices for update-bootloader, one a line: on a clone, GRUB is in the first sectors of its disks. */
function rewriteGrubDevices(text: string, rewriting: Rewriting): string {
  const { disks } = rewriting;
  const isCaptured = (content: string) =>
    content.startsWith("/dev/") &&
    ["disk", "partition", "volume", "lasting"].includes(disks.meaning(content.trim()).is);
  const lines = text.split("\n"), first = lines.findIndex(isCaptured), places = disks.loaderPlaces;
  return lines.flatMap((content, line) => {
    if (!content.startsWith("/dev/")) return content;
    if (isCaptured(content) && places.length > 0) return line === first ? places : [];
    const effect = "remove it, or GRUB's updates fail on clones";
    return rewriting.name(content.trim(), { form: "own", line, effect });
  }).join("\n");
}

function rewriteDracut(text: string, rewriting: Rewriting): string {
  for (const [line, content] of text.split("\n").entries()) {
    const [, policy] = /^\s*persistent_policy=["']?(by-(?:id|path))/.exec(content) ?? [];
    if (policy === undefined) continue;
    rewriting.note(
      line,
      `has persistent_policy=${policy}, so the initramfs names the template's disk; set by-uuid and run dracut -f`,
    );
  }
  return asPath(text, rewriting);
}

/** systemd.mount(5): written as a path, since older versions of systemd derive no dependency from a tag. */
function rewriteUnit(text: string, rewriting: Rewriting): string {
  const effect = "the unit fails on clones; remove it";
  return text.split("\n").map((content, line) =>
    !isComment(content) && /^\s*What\s*=/.test(content)
      ? replaceInLine(content, { rewriting, line, form: "path", effect })
      : content
  ).join("\n");
}

/** systemd.swap(5): only noted, since the unit is named after the device, and links elsewhere name the unit. */
function noteSwapUnit(text: string, rewriting: Rewriting): string {
  for (const [line, content] of text.split("\n").entries()) {
    const [, what = ""] = /^\s*What\s*=\s*(\S+)/.exec(content) ?? [];
    if (!["disk", "partition", "foreign"].includes(rewriting.disks.meaning(what).is)) continue;
    rewriting.note(
      line,
      `names ${what}: clones may have another disk of that name; list it in /etc/fstab by UUID`,
    );
  }
  return text;
}
