/** Boot loaders that the small VM installs on mirrored disks; then each disk is started alone. */
import assert from "node:assert/strict";
import { runInSmallVm, smallVmNeeds } from "../../scripts/lab/small_vm.ts";
import { uefiArguments } from "../../scripts/lab/small_vm_machine.ts";
import { bootPrograms, bootProgramsNeeds } from "../support/boot_programs.ts";
import { needs } from "../support/needs.ts";
import { DISK_BYTES, DISKS, INSIDE, PROGRAMS } from "../volumes/in_small_vm.ts";
import { READY } from "../volumes/boot_loaders/machine.ts";

const FILE = "test/volumes/boot_loaders/boot_loaders_test.ts";
const OVMF = { code: "/usr/share/OVMF/OVMF_CODE_4M.fd", vars: "/usr/share/OVMF/OVMF_VARS_4M.fd" };
const { programs, ...rest } = smallVmNeeds;

interface BootLoaderCase {
  /** Of a test in that file. */
  readonly name: string;
  readonly starts?: "bios" | "uefi";
  /** The small VM starts by UEFI, and each disk with the variables that it left. */
  readonly keepsVariables?: true;
}

export function testBootLoader({ name, starts, keepsVariables }: BootLoaderCase): void {
  Deno.test({
    name: starts ? `${name}; each disk starts alone` : name,
    ...needs({ ...rest, programs: [...programs, ...bootProgramsNeeds], files: Object.values(OVMF) }),
    async fn() {
      const folder = await Deno.makeTempDir();
      try {
        const added = await bootPrograms(`${Deno.cwd()}/.cache/lab`);
        const disks = DISKS.map((disk) => ({ path: `${folder}/${disk}`, serial: `serial-${disk}` }));
        for (const { path } of disks) {
          await Deno.writeFile(path, new Uint8Array());
          await Deno.truncate(path, DISK_BYTES);
        }
        const vars = `${folder}/vars.fd`;
        await Deno.copyFile(OVMF.vars, vars);
        const { code, output } = await runInSmallVm({
          disks,
          ...keepsVariables && { uefi: { code: OVMF.code, vars } },
          script: `deno test -A --no-check ${FILE}`,
          shares: [{ path: added }],
          env: { [INSIDE]: "1", [PROGRAMS]: added, BOOT_CASE: name },
          memoryMiB: 2048,
          timeoutMs: 600_000,
        });
        assert.equal(code, 0, output);
        assert.match(output, / 1 passed.* 0 failed \(/, output);
        for (const { path } of starts ? disks.slice(0, 2) : []) {
          if (!keepsVariables) await Deno.copyFile(OVMF.vars, vars);
          assert.match(await started(path, { firmware: starts ?? "bios", vars }), new RegExp(READY));
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Starts a machine with this disk alone. Returns what its serial console showed. */
async function started(
  disk: string,
  { firmware, vars }: { firmware: "bios" | "uefi"; vars: string },
): Promise<string> {
  const flash = uefiArguments({ code: OVMF.code, vars });
  const child = new Deno.Command("qemu-system-x86_64", {
    args: [
      ...["-accel", "tcg", "-m", "512", "-nic", "none", "-display", "none", "-no-reboot", "-serial", "stdio"],
      ...firmware === "uefi" ? ["-machine", "q35", ...flash] : [],
      ...["-drive", `file=${disk},format=raw,if=virtio,snapshot=on`],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), 120_000);
  let shown = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    if (shown.includes(READY)) break;
  }
  child.kill("SIGKILL");
  clearTimeout(timer);
  await child.stderr.cancel();
  await child.status;
  return shown;
}
