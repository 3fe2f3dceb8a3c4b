import assert from "node:assert/strict";
import { distributionOf, parseOsRelease } from "../../agent/capture/machine.ts";
import { needs } from "../../test/support/needs.ts";
import { type Family, familyOf, kernelPackage, kernelPaths, packageIn } from "./distributions.ts";
import { CAPTURE_TOOLS, CLONE_TOOLS, REQUIRED_TOOLS } from "./tools.ts";

/** The lines that matter of os-release files, made from the distributions' public documentation. */
const RELEASES: [name: string, text: string, family: Family | undefined, kernel: string][] = [
  ["Debian 12", 'VERSION_ID="12"\nID=debian\n', "debian", "linux-image-amd64"],
  ["Ubuntu 24.04", 'VERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n', "debian", "linux-image-generic"],
  ["Linux Mint", 'ID=linuxmint\nID_LIKE="ubuntu debian"\n', "debian", "linux-image-generic"],
  ["RHEL 8", 'ID="rhel"\nID_LIKE="fedora"\nVERSION_ID="8.10"\n', "rhel", "kernel-core"],
  ["RHEL 10", 'ID="rhel"\nID_LIKE="centos fedora"\nVERSION_ID="10.0"\n', "rhel", "kernel-core"],
  ["Rocky 9", 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n', "rhel", "kernel-core"],
  ["AlmaLinux 9", 'ID="almalinux"\nID_LIKE="rhel centos fedora"\n', "rhel", "kernel-core"],
  ["Oracle Linux 9", 'ID="ol"\nID_LIKE="fedora"\nVERSION_ID="9.4"\n', "rhel", "kernel-core"],
  ["CentOS Stream 9", 'ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="9"\n', "rhel", "kernel-core"],
  ["Fedora", "ID=fedora\nVERSION_ID=42\n", "rhel", "kernel-core"],
  ["an unnamed kin of RHEL", 'ID="newkin"\nID_LIKE="rhel centos fedora"\n', "rhel", "kernel-core"],
  ["openSUSE Leap", 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "suse", "kernel-default"],
  ["Tumbleweed", 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n', "suse", "kernel-default"],
  ["SLES 15", 'ID="sles"\nID_LIKE="suse"\nVERSION_ID="15.6"\n', "suse", "kernel-default"],
  ["Arch", "ID=arch\nBUILD_ID=rolling\n", "arch", "linux"],
  ["Manjaro", "ID=manjaro\nID_LIKE=arch\n", "arch", "linux"],
  ["Alpine", "ID=alpine\nVERSION_ID=3.20.0\n", "alpine", "linux-lts"],
  ["NixOS", "ID=nixos\n", undefined, "linux-image-amd64 (RHEL: kernel-core)"],
];
for (const [name, text, family, kernel] of RELEASES) {
  Deno.test(`${name} is of the family ${family ?? "of none"}, with the kernel ${kernel}`, () => {
    const release = distributionOf(parseOsRelease(text));
    assert.equal(familyOf(release), family);
    assert.equal(kernelPackage(release), kernel);
  });
}

const tool = (name: string) => {
  const found = [...REQUIRED_TOOLS, ...CAPTURE_TOOLS, ...CLONE_TOOLS].find((tool) => tool.name === name);
  assert.ok(found);
  return found;
};
const grub = (when: "bios" | "uefi") => CLONE_TOOLS.find((t) => t.name === "grub-install" && t.when === when);
const packages: [distribution: string, program: string, expected: string][] = [
  ["debian", "ip", "iproute2"],
  ["fedora", "ip", "iproute"],
  ["sles", "ip", "iproute2"],
  ["arch", "sfdisk", "util-linux"],
  ["alpine", "sfdisk", "sfdisk"],
  ["alpine", "tune2fs", "e2fsprogs-extra"],
  ["alpine", "e2fsck", "e2fsprogs"],
  ["sles", "modprobe", "kmod"],
  ["void", "ip", "iproute2 (RHEL: iproute)"],
];
for (const [distribution, program, expected] of packages) {
  Deno.test(`${program} is in ${expected} on ${distribution}`, () => {
    assert.equal(packageIn({ distribution }, tool(program)), expected);
  });
}

Deno.test("GRUB's package depends on the firmware", () => {
  const [bios, uefi] = [grub("bios"), grub("uefi")];
  assert.ok(bios && uefi);
  assert.equal(packageIn({ distribution: "debian" }, bios), "grub-pc");
  assert.equal(packageIn({ distribution: "sles" }, bios), "grub2-i386-pc");
  assert.equal(packageIn({ distribution: "sles" }, uefi), "grub2-x86_64-efi");
  assert.equal(packageIn({ distribution: "arch" }, uefi), "grub");
  assert.equal(packageIn({ distribution: "alpine" }, uefi), "grub-efi");
});

Deno.test({
  name: "Debian's packages have the programs that the table says they have",
  ...needs({ programs: ["dpkg-query"], files: ["/etc/debian_version"] }),
  async fn() {
    const wrong: string[] = [];
    let checked = 0;
    for (const { name, debian } of [...REQUIRED_TOOLS, ...CAPTURE_TOOLS]) {
      const paths = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map((folder) => `${folder}/${name}`);
      const { stdout } = await new Deno.Command("dpkg-query", { args: ["-S", ...paths], stderr: "null" })
        .output();
      const owners = [...new TextDecoder().decode(stdout).matchAll(/^([a-z0-9.+-]+)(?::\w+)?: \//gm)]
        .map(([, owner]) => owner);
      if (owners.length === 0) continue;
      checked++;
      if (!owners.includes(debian)) wrong.push(`${name}: ${debian}, but in ${owners.join(", ")}`);
    }
    assert.deepEqual(wrong, []);
    assert.ok(checked >= 10, `${checked} programs are installed here`);
  },
});

Deno.test("the kernel's image is found where Debian, RHEL, Arch and Alpine keep it", () => {
  assert.ok(kernelPaths("6.1.0-57-amd64").includes("/boot/vmlinuz-6.1.0-57-amd64"));
  assert.ok(kernelPaths("6.9.1-arch1-1").includes("/usr/lib/modules/6.9.1-arch1-1/vmlinuz"));
  assert.ok(kernelPaths("6.6.31-0-lts").includes("/boot/vmlinuz-lts"));
  assert.equal(kernelPaths("5.14.0-427.el9.x86_64").some((path) => path.endsWith("-x86_64")), false);
});
