import assert from "node:assert/strict";
import { dirname } from "node:path";
import { SysError } from "./errno.ts";
import { type KexecFacts, kexecObstacle, loadObstacle, readKexecFacts } from "./kexec_obstacle.ts";

interface Case {
  readonly name: string;
  /** Below "/", in place of the machine's own. */
  readonly files?: Readonly<Record<string, string>>;
  readonly refusal?: string;
  readonly facts?: Partial<KexecFacts>;
  readonly says: RegExp | undefined;
}

const CASES: readonly Case[] = [
  { name: "nothing", says: undefined },
  {
    name: "lockdown alone, since signed kernels can be loaded",
    files: { "/sys/kernel/security/lockdown": "none [integrity] confidentiality\n" },
    facts: { lockdown: "integrity" },
    says: undefined,
  },
  {
    name: "the sysctl",
    files: { "/proc/sys/kernel/kexec_load_disabled": "1\n" },
    says: /kernel\.kexec_load_disabled forbids it/,
  },
  {
    name: "the sysctl that counts, at its end",
    files: { "/proc/sys/kernel/kexec_load_limit_reboot": "0\n" },
    refusal: "EPERM",
    says: /kernel\.kexec_load_limit_reboot forbids it/,
  },
  {
    name: "a count that asking would use up",
    files: { "/proc/sys/kernel/kexec_load_limit_reboot": "1\n" },
    refusal: "must not be asked",
    says: undefined,
  },
  { name: "a kernel without it", refusal: "ENOSYS", says: /CONFIG_KEXEC_FILE/ },
  { name: "no rights", refusal: "EPERM", says: /CAP_SYS_BOOT/ },
  { name: "anything else", refusal: "ENOMEM", says: /answers kexec_file_load with ENOMEM/ },
  { name: "systemd-nspawn", files: { "/run/systemd/container": "systemd-nspawn\n" }, says: /systemd-nspawn/ },
  { name: "LXC", files: { "/proc/1/environ": "TERM=linux\0container=lxc\0" }, says: /container \(lxc\)/ },
  { name: "Docker", files: { "/.dockerenv": "" }, says: /container \(docker\)/ },
  { name: "Podman", files: { "/run/.containerenv": "" }, says: /container \(podman\)/ },
  {
    name: "a PID namespace",
    files: { "/proc/self/status": "Name:\tdeno\nNSpid:\t1234\t1\n" },
    says: /a PID namespace/,
  },
  {
    name: "the machine's own PID namespace",
    files: { "/proc/self/status": "Name:\tdeno\nNSpid:\t1234\n" },
    says: undefined,
  },
  {
    name: "Xen's control domain",
    files: { "/proc/xen/capabilities": "control_d\n" },
    says: /Xen \(Dom0\)/,
  },
  { name: "a guest of Xen's own kind", files: { "/sys/hypervisor/guest_type": "PV\n" }, says: /Xen \(PV\)/ },
  {
    name: "a guest of Xen like any other",
    files: { "/sys/hypervisor/guest_type": "HVM\n" },
    says: undefined,
  },
];

for (const { name, files = {}, refusal, facts, says } of CASES) {
  Deno.test(`what speaks against kexec: ${name}`, async () => {
    const root = await Deno.makeTempDir();
    try {
      for (const [path, text] of Object.entries(files)) {
        await Deno.mkdir(dirname(root + path), { recursive: true });
        await Deno.writeTextFile(root + path, text);
      }
      const found = await readKexecFacts({ proc: `${root}/proc`, sys: `${root}/sys`, root }, () => refusal);
      for (const [fact, value] of Object.entries(facts ?? {})) {
        assert.equal(found[fact as keyof KexecFacts], value);
      }
      const obstacle = kexecObstacle(found);
      if (says === undefined) return assert.equal(obstacle, undefined);
      assert.match(obstacle?.reason ?? "", says);
      assert.match(obstacle?.remedy ?? "", /\.$/);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}

Deno.test("why a kernel image was refused is said in words", () => {
  const cases: [errno: number, lockdown: KexecFacts["lockdown"], says: RegExp][] = [
    [129, "integrity", /locked down \(integrity\).*signature.*\(EKEYREJECTED\)/],
    [126, "confidentiality", /locked down \(confidentiality\).*\(ENOKEY\)/],
    [1, "integrity", /signature.*\(EPERM\)/],
    [1, "none", /does not load the other kernel \(EPERM\)/],
    [13, "none", /IMA or SELinux/],
    [12, "none", /no memory.*\(ENOMEM\)/],
    [99, "none", /no memory.*\(EADDRNOTAVAIL\)/],
    [8, "none", /does not know the format.*\(ENOEXEC\)/],
  ];
  for (const [errno, lockdown, says] of cases) {
    assert.match(loadObstacle(new SysError("load the kernel", { errno }), { lockdown }).reason, says);
  }
});
