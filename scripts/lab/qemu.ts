/** A virtual machine under QEMU's emulation (TCG), with its serial console as events and control by QMP. */
import { type Qmp, QmpListener } from "./qmp.ts";
import { withTimeout } from "./timeout.ts";
import { Tpm, tpmArguments } from "./tpm.ts";
import { Transcript } from "./transcript.ts";
import type { Architecture } from "#contract/architectures.ts";
import type { LabNetwork } from "./network.ts";

export type Firmware = "bios" | "uefi";

export interface VmDisk {
  /** A raw image. */
  readonly path: string;
  /** At most 20 characters. */
  readonly serial: string;
}

/** The serial number of a machine's disk, unless the disk is to be told from another. */
export function serialOf(machine: string, disk: number): string {
  return disk === 0 ? `${machine}-disk` : `${machine}-disk-${disk}`;
}

export interface VmOptions {
  readonly name: string;
  readonly firmware: Firmware;
  /** Not x86-64: UEFI without Secure Boot. */
  readonly architecture?: Architecture;
  readonly network: LabNetwork;
  readonly mac: string;
  /** It boots from the first that can be booted. */
  readonly disks: readonly VmDisk[];
  /** The folder that keeps its TPM's state; without it the machine has no TPM. */
  readonly tpm?: string | undefined;
  readonly memoryMiB: number;
  readonly bootOrder: "network-first" | "disk-first" | "disk-only";
  /** UEFI with Secure Boot: in set-up mode until its NVRAM has keys, or with the keys of Microsoft, which signed shim. */
  readonly secureBoot?: "set-up" | "microsoft";
  /** It boots from this first; "disk" and "cd" need no driver that Debian's cloud kernel lacks. */
  readonly medium?: { readonly path: string; readonly as: "usb" | "disk" | "cd" } | undefined;
  /** It starts this, instead of what its firmware would. */
  readonly kernel?: { readonly path: string; readonly initramfs: string; readonly commandLine: string };
  /** Nothing is at the other end of its NIC. */
  readonly isAlone?: boolean;
  /** The Unix socket of a switch, into which its NIC is plugged instead of the lab's bridge. */
  readonly switchPort?: string | undefined;
  /** UEFI: boot from the network by HTTP only, without PXE. */
  readonly httpBoot?: boolean;
  /** UEFI: boot from the network by IPv6 only. */
  readonly ipv6?: boolean;
  /** The folder for sockets and the NVRAM file. Keep it short: a socket's path has at most 107 bytes. */
  readonly folder: string;
  /** The file to which the serial console is appended. */
  readonly serialLog: string;
  /** A reboot of the guest ends QEMU instead, so that the disk can be examined between two boots. */
  readonly noReboot?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** systemd gives a unit 90 s to stop (DefaultTimeoutStopSec in systemd-system.conf(5)). */
export const shutdownMs = 400_000;

/** Its variables are out of the guest's reach: changes go through system management mode. */
const SECURE_OVMF = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
export const ovmf = { code: "/usr/share/OVMF/OVMF_CODE_4M.fd", vars: "/usr/share/OVMF/OVMF_VARS_4M.fd" };

const MICROSOFT_VARS = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";

export const qemuNeeds = { programs: ["qemu-system-x86_64", "ip", "nsenter"], files: [ovmf.code, ovmf.vars] };

/** Debian's UEFI for QEMU's board "virt". */
const aavmf = { code: "/usr/share/AAVMF/AAVMF_CODE.fd", vars: "/usr/share/AAVMF/AAVMF_VARS.fd" };

export const armQemuNeeds = {
  programs: ["qemu-system-aarch64", "ip", "nsenter"],
  files: [aavmf.code, aavmf.vars],
};

export const secureQemuNeeds = { ...qemuNeeds, files: [SECURE_OVMF, ovmf.vars, MICROSOFT_VARS] };

export class VirtualMachine implements AsyncDisposable {
  readonly name: string;
  readonly serial: Transcript;
  /** The other end of its NIC, in the lab's network. */
  readonly tap: string;
  /** When QEMU was started; milestones are counted from here. */
  readonly startedMs = performance.now();
  readonly #process: Deno.ChildProcess;
  readonly #tpm: Tpm | undefined;
  readonly #keyboard: WritableStreamDefaultWriter<Uint8Array>;
  readonly #qmp: Qmp;
  readonly #signal: AbortSignal | undefined;
  #isRunning = true;

  private constructor(
    { name, signal }: VmOptions,
    running: {
      process: Deno.ChildProcess;
      serial: Transcript;
      qmp: Qmp;
      tap: string;
      tpm: Tpm | undefined;
    },
  ) {
    this.name = name;
    this.#signal = signal;
    this.serial = running.serial;
    this.tap = running.tap;
    this.#process = running.process;
    this.#tpm = running.tpm;
    this.#keyboard = running.process.stdin.getWriter();
    this.#qmp = running.qmp;
    running.process.status.then(() => this.#isRunning = false);
  }

  static async start(options: VmOptions): Promise<VirtualMachine> {
    const socket = `${options.folder}/${options.name}.qmp`;
    if (options.firmware === "uefi") await provideNvram(options);
    const tap = await options.network.addTap();
    await using stack = new AsyncDisposableStack();
    const tpm = options.tpm === undefined ? undefined : stack.use(await Tpm.start(options.tpm));
    using listener = new QmpListener(socket);
    const [program, ...args] = options.network.inside(qemuArguments(options, { tap, socket, tpm }));
    const process = new Deno.Command(program!, { args, stdin: "piped", stdout: "piped", stderr: "piped" })
      .spawn();
    const serial = new Transcript(process.stdout, {
      name: `${options.name}'s serial console`,
      log: options.serialLog,
      fatal: "Kernel panic - not syncing",
      signal: options.signal,
    });
    const stderr = new Response(process.stderr).text();
    const early = process.status.then(async ({ code }) => {
      throw new Error(`QEMU of ${options.name} ended (${code}) before it was ready: ${await stderr}`);
    });
    const qmp = await Promise.race([listener.accept(), early]);
    early.catch(() => {}); // from here on, `exited` reports its end
    stack.move();
    return new VirtualMachine(options, { process, serial, qmp, tap, tpm });
  }

  get pid(): number {
    return this.#process.pid;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** As a person does for a moment: the guest is asked to shut down (ACPI). */
  async pressPowerButton(): Promise<void> {
    await this.#qmp.execute("system_powerdown");
  }

  /** Types text at the serial console; "\r" is Enter. */
  async type(text: string): Promise<void> {
    await this.#keyboard.write(new TextEncoder().encode(text));
  }

  /** Waits for the end of QEMU: after a power-off, or after a reboot with `noReboot`. */
  async exited({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    await withTimeout(Promise.race([this.#process.status, this.serial.failed]), {
      timeoutMs,
      what: `${this.name} to stop`,
      signal: this.#signal,
    });
    await this.serial.closed;
  }

  /** Runs `task` while the guest's processors are paused and its disk holds everything it has written. */
  async whilePaused<T>(task: () => Promise<T>): Promise<T> {
    await this.#qmp.execute("stop");
    try {
      return await task();
    } finally {
      await this.#qmp.execute("cont");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#qmp[Symbol.dispose]();
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await this.#process.status;
    await this.#tpm?.[Symbol.asyncDispose]();
    await this.#keyboard.abort().catch(() => {});
    await this.serial.closed;
  }
}

function qemuArguments(
  {
    firmware,
    bootOrder,
    mac,
    disks,
    medium,
    kernel,
    isAlone,
    switchPort,
    memoryMiB,
    name,
    folder,
    noReboot,
    httpBoot,
    ipv6,
    secureBoot,
    architecture,
  }: VmOptions,
  { tap, socket, tpm }: { readonly tap: string; readonly socket: string; readonly tpm: Tpm | undefined },
): string[] {
  const diskIndex = bootOrder === "network-first" ? 2 : 1;
  const networkIndex =
    { "network-first": 1, "disk-first": disks.length + 1, "disk-only": undefined }[bootOrder];
  return [
    ...(architecture === "aarch64" ? ARM_BOARD : [
      "qemu-system-x86_64",
      "-nodefaults",
      // graphics=off sends the output of SeaBIOS and iPXE to the serial console, where it can be read. hpet=off: a guest
      // that uses the emulated HPET as its clock may hang forever if its processors share one of the host's.
      ...["-machine", `q35,graphics=off,hpet=off${secureBoot ? ",smm=on" : ""}`],
      // with Secure Boot: under TCG, system management mode now and then hangs with two processors
      ...["-accel", "tcg,thread=multi", "-cpu", secureBoot ? "max,la57=off" : "max"],
    ]),
    ...["-smp", secureBoot ? "1" : "2"],
    ...(secureBoot ? ["-global", "driver=cfi.pflash01,property=secure,value=on"] : []),
    ...["-m", `${memoryMiB}`, "-display", "none", "-serial", "stdio", "-qmp", `unix:${socket}`],
    ...["-name", name, "-device", "virtio-rng-pci"],
    ...(firmware === "uefi"
      ? [
        ...[
          "-drive",
          `if=pflash,format=raw,readonly=on,file=${
            architecture === "aarch64" ? aavmf.code : secureBoot ? SECURE_OVMF : ovmf.code
          }`,
        ],
        ...["-drive", `if=pflash,format=raw,file=${nvramPath(folder, name)}`],
        // The network has one of the two; PXE would wait for the other for more than a minute at every start.
        ...(httpBoot || !ipv6 ? ["-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"] : []),
        ...(httpBoot || ipv6 ? ["-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=n"] : []),
      ]
      : []),
    ...disks.flatMap(({ path, serial }, i) => [
      ...[
        "-drive",
        `if=none,id=disk${i},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,file=${path}`,
      ],
      ...["-device", `virtio-blk-pci,drive=disk${i},serial=${serial},bootindex=${diskIndex + i}`],
    ]),
    ...(medium ? mediumArguments(medium) : []),
    ...(kernel ? ["-kernel", kernel.path, "-initrd", kernel.initramfs, "-append", kernel.commandLine] : []),
    ...(tpm ? tpmArguments(tpm.socket) : []),
    ...["-netdev", netdev({ tap, isAlone, switchPort })],
    // OVMF has its own driver and PXE client, which QEMU's ROM would replace by iPXE.
    ...[
      "-device",
      [
        `virtio-net-pci,netdev=net,mac=${mac}`,
        ...(networkIndex === undefined ? [] : [`bootindex=${networkIndex}`]),
        ...(firmware === "uefi" ? ["romfile="] : []),
      ].join(","),
    ],
    // what has no bootindex is not tried
    ...(networkIndex === undefined ? ["-boot", "strict=on"] : []),
    ...["-smbios", `type=1,serial=${name}`],
    ...(noReboot ? ["-no-reboot"] : []),
  ];
}

function netdev(
  { tap, isAlone = false, switchPort }:
    & { tap: string; isAlone?: boolean | undefined }
    & Pick<VmOptions, "switchPort">,
): string {
  // a hub without other ports is a link that leads nowhere
  if (isAlone) return "hubport,id=net,hubid=0";
  return switchPort === undefined
    ? `tap,id=net,ifname=${tap},script=no,downscript=no`
    : `stream,id=net,server=off,addr.type=unix,addr.path=${switchPort}`;
}

/** The emulation of newer processors spends most of its time on pointer authentication. */
const ARM_BOARD = [
  ...["qemu-system-aarch64", "-nodefaults", "-machine", "virt"],
  ...["-accel", "tcg,thread=multi", "-cpu", "cortex-a72"],
];

/** Before its disks, whose indexes begin with 1. */
function mediumArguments({ path, as }: NonNullable<VmOptions["medium"]>): string[] {
  const drive = `if=none,id=medium,format=raw,readonly=on,file=${path}`;
  switch (as) {
    case "usb":
      return ["-drive", drive, "-device", "qemu-xhci", "-device", "usb-storage,drive=medium,bootindex=0"];
    case "disk":
      return ["-drive", drive, "-device", "virtio-blk-pci,drive=medium,bootindex=0"];
    case "cd":
      return [
        ...["-drive", `${drive},media=cdrom`, "-device", "virtio-scsi-pci"],
        ...["-device", "scsi-cd,drive=medium,bootindex=0"],
      ];
  }
}

/** Creates the machine's NVRAM, which keeps its boot entries between starts, as in a real machine. */
async function provideNvram({ folder, name, secureBoot, architecture }: VmOptions): Promise<void> {
  try {
    await Deno.lstat(nvramPath(folder, name));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const empty = architecture === "aarch64" ? aavmf.vars : ovmf.vars;
    await Deno.copyFile(secureBoot === "microsoft" ? MICROSOFT_VARS : empty, nvramPath(folder, name));
  }
}

/** The file that provides a machine's NVRAM if it exists before the machine starts; else it gets an empty one. */
export function nvramPath(folder: string, name: string): string {
  return `${folder}/${name}.nvram`;
}
