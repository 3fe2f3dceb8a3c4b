/**
 * The Debian packages that tests, lab and benches use. As root on a Debian machine they are installed; elsewhere
 * the tests that need one say so and count as skipped.
 */

/** Debian package → a file that shows that it is there. */
const PACKAGES: Record<string, string> = {
  "acl": "/usr/bin/setfacl",
  "aria2": "/usr/bin/aria2c",
  "atftp": "/usr/bin/atftp",
  "attr": "/usr/bin/getfattr",
  "chromium": "/usr/bin/chromium",
  "cpio": "/usr/bin/cpio",
  "curl": "/usr/bin/curl",
  "debootstrap": "/usr/sbin/debootstrap",
  "dosfstools": "/usr/sbin/mkfs.vfat",
  "e2fsprogs": "/usr/sbin/mkfs.ext4",
  "fdisk": "/usr/sbin/sfdisk",
  "iproute2": "/usr/bin/ip",
  "ipxe-qemu": "/usr/lib/ipxe/qemu",
  "isc-dhcp-client": "/usr/sbin/dhclient",
  "libcap2-bin": "/usr/sbin/setcap",
  "mtools": "/usr/bin/mcopy",
  "openssh-client": "/usr/bin/ssh",
  "ovmf": "/usr/share/OVMF/OVMF_CODE.fd",
  "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
  "qemu-utils": "/usr/bin/qemu-img",
  "rsync": "/usr/bin/rsync",
  "tftp-hpa": "/usr/bin/tftp",
  "transmission-cli": "/usr/bin/transmission-cli",
  "udhcpc": "/usr/sbin/udhcpc",
  "xz-utils": "/usr/bin/xz",
  "zstd": "/usr/bin/zstd",
};

/** Installs what is missing; returns the packages that are missing still. */
export async function installDebianPackages(): Promise<string[]> {
  const missing = Object.keys(PACKAGES).filter(isMissing);
  if (missing.length === 0 || Deno.uid() !== 0 || !exists("/usr/bin/apt-get")) return missing;
  console.log(`installing Debian packages: ${missing.join(" ")}`);
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

function isMissing(name: string): boolean {
  return !exists(PACKAGES[name] as string);
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
  if (missing.length > 0) console.log(`missing, and not to be had here: ${missing.join(" ")}`);
}
