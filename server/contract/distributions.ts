/**
 * What differs between distributions, as a table of facts from their documentation and package lists. A distribution
 * is recognized by its os-release(5). Pure.
 */

import { architectureOf, ARCHITECTURES } from "./architectures.ts";

export type Family = "debian" | "rhel" | "suse" | "arch" | "alpine";

/** The fields of os-release that name a distribution, as a version's `source` has them. */
export interface OsRelease {
  /** ID: "rocky" */
  readonly distribution: string;
  /** ID_LIKE: "rhel centos fedora" */
  readonly like?: string | undefined;
  /** Machine name of uname(2); absent: x86-64. */
  readonly architecture?: string | undefined;
}

interface FamilyFacts {
  /** IDs of its members; a derivative names one of them in ID_LIKE. */
  readonly ids: readonly string[];
  /** The package with the usual kernel. */
  readonly kernel: string;
  /** Packages of programs whose package is not named as in `Tool`; "bios" and "uefi" for GRUB's platforms. */
  readonly packages: Readonly<Record<string, string | { readonly bios: string; readonly uefi: string }>>;
}

/** Debian and RHEL need no packages here: they are in the tables of tools.ts. */
const FAMILIES: Readonly<Record<Family, FamilyFacts>> = {
  debian: {
    ids: ["debian", "ubuntu", "raspbian", "linuxmint", "pop", "kali", "devuan", "proxmox"],
    kernel: "linux-image-amd64",
    packages: {},
  },
  rhel: {
    ids: ["rhel", "centos", "rocky", "almalinux", "ol", "fedora", "amzn", "scientific", "eurolinux"],
    kernel: "kernel-core",
    packages: {},
  },
  suse: {
    ids: [
      ...["suse", "opensuse", "opensuse-leap", "opensuse-tumbleweed", "sles", "sled"],
      ...["sle-micro", "sl-micro", "opensuse-microos", "opensuse-leap-micro"],
    ],
    kernel: "kernel-default",
    packages: {
      "ip": "iproute2",
      "sh": "bash-sh",
      "mkfs.btrfs": "btrfsprogs",
      "btrfs": "btrfsprogs",
      "btrfstune": "btrfsprogs",
      "thin_check": "thin-provisioning-tools",
      "grub-install": { bios: "grub2-i386-pc", uefi: "grub2-x86_64-efi" },
      "bootctl": "systemd-boot",
      "systemd-cryptenroll": "systemd-experimental",
    },
  },
  arch: {
    ids: ["arch", "archarm", "manjaro", "endeavouros", "cachyos", "garuda"],
    kernel: "linux",
    packages: {
      "ip": "iproute2",
      "thin_check": "thin-provisioning-tools",
      "grub-install": "grub",
      "bootctl": "systemd",
      "systemd-cryptenroll": "systemd",
    },
  },
  alpine: {
    ids: ["alpine", "postmarketos"],
    kernel: "linux-lts",
    packages: {
      "sfdisk": "sfdisk",
      "blkid": "blkid",
      "partx": "partx",
      "wipefs": "wipefs",
      "mount": "mount",
      "lsblk": "lsblk",
      "findmnt": "findmnt",
      "losetup": "losetup",
      "mkswap": "util-linux-misc",
      "ip": "iproute2",
      "sh": "busybox-binsh",
      "tune2fs": "e2fsprogs-extra",
      "dumpe2fs": "e2fsprogs-extra",
      "resize2fs": "e2fsprogs-extra",
      "xfs_admin": "xfsprogs-extra",
      "xfs_db": "xfsprogs-extra",
      "xfs_growfs": "xfsprogs-extra",
      "thin_check": "thin-provisioning-tools",
      "grub-install": { bios: "grub-bios", uefi: "grub-efi" },
      "bootctl": "systemd-boot",
    },
  },
};

/** Ubuntu's kernel has no package of Debian's name. */
const KERNELS: Readonly<Record<string, string>> = {
  ubuntu: "linux-image-generic",
  linuxmint: "linux-image-generic",
  pop: "linux-system76",
  proxmox: "proxmox-default-kernel",
};

/**
 * Undefined for a distribution that is none of these and resembles none of them.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(familyOf({ distribution: "rocky", like: "rhel centos fedora" }), "rhel");
 * assert.equal(familyOf({ distribution: "nixos" }), undefined);
 * ```
 */
export function familyOf({ distribution, like = "" }: OsRelease): Family | undefined {
  const names = [distribution, ...like.split(/\s+/)].map((name) => name.toLowerCase());
  for (const name of names) {
    for (const [family, { ids }] of Object.entries(FAMILIES)) {
      if (ids.includes(name)) return family as Family;
    }
  }
  return undefined;
}

/** The package with the usual kernel; "linux-image-amd64 (RHEL: kernel-core)" for an unknown distribution. */
export function kernelPackage(release: OsRelease | undefined): string {
  const family = release && familyOf(release);
  if (release === undefined || family === undefined) {
    return `${FAMILIES.debian.kernel} (RHEL: ${FAMILIES.rhel.kernel})`;
  }
  return onArchitecture(KERNELS[release.distribution] ?? FAMILIES[family].kernel, release);
}

/** A program, with its package in the Debian family and in the RHEL family. */
interface Packaged {
  readonly name: string;
  readonly debian: string;
  readonly rhel: string;
  /** The firmware, for GRUB's packages. */
  readonly when?: string;
}

/**
 * The package that has the program, for remedies; "fdisk (RHEL: util-linux)" for an unknown distribution.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const sfdisk = { name: "sfdisk", debian: "fdisk", rhel: "util-linux" };
 * assert.equal(packageIn({ distribution: "ubuntu", like: "debian" }, sfdisk), "fdisk");
 * assert.equal(packageIn({ distribution: "arch" }, sfdisk), "util-linux");
 * assert.equal(packageIn(undefined, sfdisk), "fdisk (RHEL: util-linux)");
 * ```
 */
export function packageIn(release: OsRelease | undefined, { name, debian, rhel, when }: Packaged): string {
  const family = release && familyOf(release);
  // others name most packages as RHEL does
  const named = family === undefined
    ? debian === rhel ? debian : `${debian} (RHEL: ${rhel})`
    : family === "debian"
    ? debian
    : FAMILIES[family].packages[name] ?? rhel;
  const text = typeof named === "string" ? named : when === "bios" ? named.bios : named.uefi;
  return onArchitecture(text, release);
}

/** The tables have the names of x86-64's packages. */
function onArchitecture(text: string, release: OsRelease | undefined): string {
  const from = ARCHITECTURES.x86_64,
    to = ARCHITECTURES[architectureOf(release?.architecture ?? "") ?? "x86_64"];
  return (["grubPlatform", "grubRhel", "debian"] as const).reduce(
    (name, fact) => name.replace(from[fact], to[fact]),
    text,
  );
}

/**
 * Where distributions keep the kernel image of a release, most usual first: Debian, RHEL and SUSE; RHEL, SUSE and Arch;
 * Alpine, whose file has the name of the kernel's flavour only.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.ok(kernelPaths("6.6.31-0-lts").includes("/boot/vmlinuz-lts"));
 * ```
 */
export function kernelPaths(release: string): string[] {
  const [, flavour] = /^[\d.]+-\d+-([a-z]\w*)$/.exec(release) ?? [];
  return [
    `/boot/vmlinuz-${release}`,
    `/lib/modules/${release}/vmlinuz`,
    `/usr/lib/modules/${release}/vmlinuz`,
    ...(flavour === undefined ? [] : [`/boot/vmlinuz-${flavour}`]),
  ];
}
