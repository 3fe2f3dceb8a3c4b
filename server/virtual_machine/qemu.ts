/** Virtual machines under QEMU: their disks are files. The one here boots the agent, and its network reaches only outwards. */
import { RackseedError } from "#contract/errors.ts";

export interface VirtualDisk {
  readonly path: string;
  readonly format: "raw" | "qcow2";
  readonly sectorBytes: 512 | 4096;
  /** At most 20 characters (virtio 1.2 §5.2.6.1): in the guest /dev/disk/by-id/virtio-SERIAL. */
  readonly serial: string;
}

interface MachineOptions {
  readonly firmware: "bios" | "uefi";
  readonly kernel: string;
  readonly initramfs: string;
  /** The kernel's command line. */
  readonly parameters: string;
  readonly mac: string;
  readonly disks: readonly VirtualDisk[];
  readonly memoryMiB: number;
  /** Emulate the processor even if there is KVM. */
  readonly emulate: boolean;
  /** The folder for the serial console's log and the firmware's variables. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** What QEMU's own network gives the guest: invocation of QEMU, "-netdev user". */
export const GUEST_NETWORK = { ip: "10.0.2.15", mask: "255.255.255.0", gw: "10.0.2.2", dns: "10.0.2.3" };

/** Debian and Ubuntu; Fedora and RHEL; Arch. */
const OVMF = [
  { code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.fd" },
  { code: "/usr/share/OVMF/OVMF_CODE.fd", variables: "/usr/share/OVMF/OVMF_VARS.fd" },
  { code: "/usr/share/edk2/ovmf/OVMF_CODE.fd", variables: "/usr/share/edk2/ovmf/OVMF_VARS.fd" },
  { code: "/usr/share/edk2/x64/OVMF_CODE.4m.fd", variables: "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
];

const TITLE = "cannot start a virtual machine";

/** Debian and Ubuntu, Fedora, Arch; RHEL. */
const PROGRAMS = ["qemu-system-x86_64", "/usr/libexec/qemu-kvm"];

/** The program, and its version as it says it. Throws RackseedError if there is none. */
export async function findQemu(): Promise<{ program: string; version: string }> {
  for (const program of PROGRAMS) {
    try {
      const { stdout } = await new Deno.Command(program, { args: ["--version"], stderr: "null" }).output();
      const [first = ""] = new TextDecoder().decode(stdout).split("\n");
      return { program, version: first };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new RackseedError(TITLE, {
    reason: "there is no QEMU on this machine.",
    remedy: "install qemu-system-x86 (RHEL: qemu-kvm), and ovmf (RHEL: edk2-ovmf) for UEFI.",
    status: 409,
  });
}

/** Runs until the guest asks for a reboot or powers off. Throws RackseedError with the console's end if QEMU fails. */
export async function runMachine(options: MachineOptions): Promise<void> {
  const { folder, signal } = options;
  const { program } = await findQemu();
  const argv = await installerArguments(options);
  const child = new Deno.Command(program, {
    args: argv,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal,
  }).spawn();
  const { code, stderr } = await child.output();
  signal.throwIfAborted();
  if (code === 0) return;
  throw qemuFailed(new TextDecoder().decode(stderr), { code, folder });
}

export function qemuFailed(
  stderr: string,
  { code, folder }: { code: number; folder: string },
): RackseedError {
  return new RackseedError(TITLE, {
    reason: stderr.trim().slice(-1000) || `QEMU ended with status ${code}.`,
    remedy: `see the console's log, ${consoleLog(folder)}; --emulate does without KVM.`,
  });
}

export function consoleLog(folder: string): string {
  return `${folder}/console.log`;
}

async function installerArguments(options: MachineOptions): Promise<string[]> {
  const { kernel, initramfs, parameters, mac } = options;
  return [
    ...await machineArguments(options),
    "-no-reboot",
    ...["-kernel", kernel, "-initrd", initramfs, "-append", parameters],
    ...["-netdev", "user,id=net", "-device", `virtio-net-pci,netdev=net,mac=${mac},romfile=`],
  ];
}

/** Where QEMU keeps its process id while it runs. */
export function pidFile(folder: string): string {
  return `${folder}/qemu.pid`;
}

/** The machine itself, without a boot program and a network. The console's log is continued. */
export async function machineArguments(
  { firmware, disks, memoryMiB, emulate, folder }: Pick<
    MachineOptions,
    "firmware" | "disks" | "memoryMiB" | "emulate" | "folder"
  >,
): Promise<string[]> {
  return [
    "-nodefaults",
    // code that breaks out of the machine meets a process that may neither start programs nor gain rights
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...["-pidfile", pidFile(folder)],
    ...["-machine", "q35", ...emulate ? [] : ["-accel", "kvm"], "-accel", "tcg,thread=multi", "-cpu", "max"],
    ...["-smp", "2", "-m", `${memoryMiB}`, "-display", "none"],
    ...[
      "-chardev",
      `file,id=console,append=on,path=${escaped(consoleLog(folder))}`,
      "-serial",
      "chardev:console",
    ],
    ...["-device", "virtio-rng-pci"],
    ...await firmwareArguments(firmware, folder),
    ...disks.flatMap(({ path, format, sectorBytes, serial }, i) => [
      "-drive",
      `if=none,id=disk${i},format=${format},cache=unsafe,discard=unmap,file=${escaped(path)}`,
      "-device",
      `virtio-blk-pci,drive=disk${i},serial=${serial},logical_block_size=${sectorBytes}` +
      `,physical_block_size=${sectorBytes},bootindex=${i + 1}`,
    ]),
  ];
}

/** In QEMU's options, a comma in a file's name is written twice. */
function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}

/** UEFI keeps its boot entries in a file that is thrown away: a new machine has none of them anyway. */
async function firmwareArguments(firmware: "bios" | "uefi", folder: string): Promise<string[]> {
  if (firmware === "bios") return [];
  for (const { code, variables } of OVMF) {
    if (!await exists(code) || !await exists(variables)) continue;
    const own = `${folder}/variables.fd`;
    await Deno.copyFile(variables, own);
    return [
      ...["-drive", `if=pflash,format=raw,readonly=on,file=${code}`],
      ...["-drive", `if=pflash,format=raw,file=${escaped(own)}`],
    ];
  }
  throw new RackseedError(TITLE, {
    reason: "there is no UEFI firmware for it.",
    remedy: "install ovmf (RHEL: edk2-ovmf) on this machine.",
    status: 409,
  });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
