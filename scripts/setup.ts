/**
 * Installs the Debian packages that tests, lab and benches use. Without root or Debian, tests that need a missing
 * package are skipped, with the reason.
 */

/** Debian package → a file that it installs. */
export type Packages = Readonly<Record<string, string>>;

const PACKAGES: Packages = {
  "acl": "/usr/bin/setfacl",
  "aria2": "/usr/bin/aria2c",
  "atftp": "/usr/bin/atftp",
  "attr": "/usr/bin/getfattr",
  "btrfs-progs": "/usr/bin/btrfs",
  "chromium": "/usr/bin/chromium",
  "cpio": "/usr/bin/cpio",
  "curl": "/usr/bin/curl",
  "debootstrap": "/usr/sbin/debootstrap",
  "docker-registry": "/usr/bin/docker-registry",
  "dosfstools": "/usr/sbin/mkfs.vfat",
  "dnsmasq-base": "/usr/sbin/dnsmasq",
  "e2fsprogs": "/usr/sbin/mkfs.ext4",
  "f2fs-tools": "/usr/sbin/mkfs.f2fs",
  "fdisk": "/usr/sbin/sfdisk",
  "firefox-esr": "/usr/bin/firefox-esr",
  "fish": "/usr/bin/fish",
  "fonts-wqy-microhei": "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
  "iproute2": "/usr/bin/ip",
  "ifupdown": "/usr/sbin/ifup",
  "ipmitool": "/usr/bin/ipmitool",
  "ipxe-qemu": "/usr/lib/ipxe/qemu",
  "isc-dhcp-client": "/usr/sbin/dhclient",
  "isc-dhcp-relay": "/usr/sbin/dhcrelay",
  "isc-dhcp-server": "/usr/sbin/dhcpd",
  "kea-dhcp4-server": "/usr/sbin/kea-dhcp4",
  "keepalived": "/usr/sbin/keepalived",
  "kmod": "/usr/sbin/depmod",
  "libcap2-bin": "/usr/sbin/setcap",
  "libarchive-tools": "/usr/bin/bsdtar",
  "libengine-pkcs11-openssl": "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so",
  "lintian": "/usr/bin/lintian",
  "lldpd": "/usr/sbin/lldpd",
  "lvm2": "/usr/sbin/lvs",
  "man-db": "/usr/bin/man",
  "mandoc": "/usr/bin/mandoc",
  "mdadm": "/usr/sbin/mdadm",
  "mokutil": "/usr/bin/mokutil",
  "mtools": "/usr/bin/mcopy",
  "ndisc6": "/usr/bin/rdisc6",
  "netplan.io": "/usr/sbin/netplan",
  "network-manager": "/usr/bin/nmcli",
  "nftables": "/usr/sbin/nft",
  "nginx": "/usr/sbin/nginx",
  "opentracker": "/usr/bin/opentracker",
  "opensc": "/usr/bin/pkcs11-tool",
  "openssh-client": "/usr/bin/ssh",
  "ovmf": "/usr/share/OVMF/OVMF_CODE.fd",
  "pebble": "/usr/bin/pebble",
  "postgresql-15": "/usr/lib/postgresql/15/bin/postgres",
  "prometheus": "/usr/bin/promtool",
  "python3-venv": "/usr/share/doc/python3-venv",
  "python3-aiosmtpd": "/usr/lib/python3/dist-packages/aiosmtpd/__init__.py",
  "qemu-efi-aarch64": "/usr/share/AAVMF/AAVMF_CODE.fd",
  "qemu-system-arm": "/usr/bin/qemu-system-aarch64",
  "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
  "qemu-utils": "/usr/bin/qemu-img",
  "radvd": "/usr/sbin/radvd",
  "rpm": "/usr/bin/rpmbuild",
  "rsync": "/usr/bin/rsync",
  "rtorrent": "/usr/bin/rtorrent",
  "skopeo": "/usr/bin/skopeo",
  "squid": "/usr/sbin/squid",
  "softhsm2": "/usr/bin/softhsm2-util",
  "squashfs-tools": "/usr/bin/mksquashfs",
  "swtpm": "/usr/bin/swtpm",
  "systemd-container": "/usr/bin/systemd-nspawn",
  "tftp-hpa": "/usr/bin/tftp",
  "transmission-cli": "/usr/bin/transmission-cli",
  "udhcpc": "/usr/sbin/udhcpc",
  "varnish": "/usr/sbin/varnishd",
  "umoci": "/usr/bin/umoci",
  "xfsprogs": "/usr/sbin/mkfs.xfs",
  "xz-utils": "/usr/bin/xz",
  "zsh": "/usr/bin/zsh",
  "zstd": "/usr/bin/zstd",
};

/** invoke-rc.d(8) consults it before a package starts its service, which is unwanted here. */
const POLICY = "/usr/sbin/policy-rc.d";

/** Installs missing packages, without starting services; returns those that are still missing. */
export async function installDebianPackages(packages: Packages = PACKAGES): Promise<string[]> {
  const isMissing = (name: string) => !exists(packages[name] as string);
  const missing = Object.keys(packages).filter(isMissing);
  if (missing.length === 0 || Deno.uid() !== 0 || !exists("/usr/bin/apt-get")) return missing;
  console.error(`installing Debian packages: ${missing.join(" ")}`);
  await using stack = new AsyncDisposableStack();
  if (!exists(POLICY)) {
    await Deno.writeTextFile(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    stack.defer(() => Deno.remove(POLICY));
    // Ctrl-C ends apt-get, but must not leave the policy behind.
    const stay = () => {};
    Deno.addSignalListener("SIGINT", stay);
    stack.defer(() => Deno.removeSignalListener("SIGINT", stay));
  }
  await aptGet(["update", "-q"]);
  await aptGet(["install", "-q", "-y", "--no-install-recommends", ...missing]);
  return missing.filter(isMissing);
}

async function aptGet(args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command("apt-get", {
    args: ["-o", "DPkg::Lock::Timeout=300", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) {
    console.error(`apt-get ${args[0]} exited ${code}: ${new TextDecoder().decode(stderr).slice(-2000)}`);
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const missing = await installDebianPackages();
  if (missing.length > 0) console.log(`missing, and cannot be installed here: ${missing.join(" ")}`);
}
