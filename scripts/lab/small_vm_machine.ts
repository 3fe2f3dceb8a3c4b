/** The small VM's machine: QEMU's arguments, and the script that runs as PID 1. */
import type { SmallVmRoot } from "./small_vm_root.ts";
import { tpmArguments } from "./tpm.ts";

export interface SmallVmDisk {
  /** A raw image. */
  readonly path: string;
  readonly sectorSize?: 512 | 4096;
  /** At most 20 characters. */
  readonly serial?: string;
  readonly readOnly?: boolean;
  /** What is written is forgotten. */
  readonly discardWrites?: boolean;
}

export interface SmallVmOptions {
  /** /dev/vdb, /dev/vdc …, in this order. /dev/vda is the machine's own. */
  readonly disks?: readonly SmallVmDisk[];
  /** Run by sh -e in the repository. */
  readonly script: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Folders of the host that the script sees under the same path. */
  readonly shares?: readonly { readonly path: string; readonly writable?: boolean }[];
  readonly udev?: boolean;
  /** A `Tpm`'s socket. */
  readonly tpm?: string;
  /** Starts by UEFI instead of BIOS. `vars`: the firmware's variables, which are written. */
  readonly uefi?: { readonly code: string; readonly vars: string };
  /** Further arguments of QEMU: devices of the machine. */
  readonly devices?: readonly string[];
  readonly memoryMiB?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Gets the script's output as it comes. */
  readonly onOutput?: (chunk: Uint8Array) => void;
  /** The folder that caches the machine's Debian between runs; by default the repository's .cache/lab. */
  readonly cache?: string;
}

interface Share {
  readonly path: string;
  /** discard: writable, but nothing reaches the host. */
  readonly kind: "read" | "write" | "discard";
}

/** Runs as PID 1 in the root. */
export function startScript(
  { env = {}, udev = false }: SmallVmOptions,
  { shares, denoCache, repository }: {
    readonly shares: readonly Share[];
    readonly denoCache: string;
    readonly repository: string;
  },
): string {
  const variables = { HOME: "/root", LC_ALL: "C.UTF-8", NO_COLOR: "1", DENO_DIR: denoCache, ...env };
  const mounts = shares.map(({ path, kind }, i) => {
    const options = `trans=virtio,version=9p2000.L,msize=524288,${
      kind === "write" ? "cache=none" : "ro,cache=loose"
    }`;
    const at = quote(path), layers = `/run/layers/${i}`;
    if (kind !== "discard") return `mkdir -p ${at}\nmount -t 9p -o ${options} share${i} ${at}`;
    return `mkdir -p ${at} ${layers}/lower ${layers}/upper ${layers}/work
mount -t 9p -o ${options} share${i} ${layers}/lower
mount -t overlay -o lowerdir=${layers}/lower,upperdir=${layers}/upper,workdir=${layers}/work share${i} ${at}`;
  });
  return `
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs -o size=75% tmpfs /run
mkdir -p /dev/pts /dev/shm /run/lock /run/lvm /run/mdadm; mount -t devpts devpts /dev/pts
[ ! -d /sys/firmware/efi ] || mount -t efivarfs efivarfs /sys/firmware/efi/efivars
ln -sf /proc/self/fd /dev/fd; ln -sf /proc/mounts /etc/mtab
ip link set lo up; hostname small-vm
${mounts.join("\n")}
ln -sf ${quote(Deno.execPath())} /usr/local/bin/deno 2> /dev/null
[ -e /usr/local/bin/deno ] || ln -sf "$(echo ${quote(shares[2]?.path ?? "")}/deno)" /usr/local/bin/deno
${udev ? "/lib/systemd/systemd-udevd --daemon; udevadm trigger; udevadm settle" : ""}
for port in /sys/class/virtio-ports/*; do eval "$(cat $port/name)=/dev/\${port##*/}"; done
cd ${quote(repository)}
env ${Object.entries(variables).map(([name, value]) => quote(`${name}=${value}`)).join(" ")} \\
  setsid sh -e /control/script.sh < /dev/null > $output 2>&1
echo $? > $status
sync; echo o > /proc/sysrq-trigger; sleep 60
`;
}

export function qemuArguments(
  { disks = [], devices = [], tpm, uefi, memoryMiB = 1024 }: SmallVmOptions,
  { kernel, initramfs, root, folder, shares }: SmallVmRoot & {
    readonly folder: string;
    readonly shares: readonly Share[];
  },
): string[] {
  const drive = (
    { path, sectorSize = 512, serial, readOnly = false, discardWrites = false }: SmallVmDisk,
    i: number,
  ) => [
    "-drive",
    `if=none,id=disk${i},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,snapshot=${
      onOff(discardWrites)
    },` +
    `readonly=${onOff(readOnly)},file=${escape(path)}`,
    "-device",
    `virtio-blk-pci,drive=disk${i},logical_block_size=${sectorSize},physical_block_size=${sectorSize}` +
    (serial === undefined ? "" : `,serial=${escape(serial)}`),
  ];
  const folders = [
    { path: `${folder}/control`, kind: "read", tag: "control" },
    ...shares.map((share, i) => ({ ...share, tag: `share${i}` })),
  ];
  return [
    ...[
      "-nodefaults",
      "-no-user-config",
      "-display",
      "none",
      "-no-reboot",
      "-m",
      `${memoryMiB}`,
      "-smp",
      "2",
    ],
    ...["-machine", "q35,hpet=off", "-accel", "tcg,thread=multi", "-cpu", "max", "-device", "virtio-rng-pci"],
    ...["-kernel", kernel, "-initrd", initramfs, "-append", commandLine],
    ...["-serial", `file:${folder}/console`, "-device", "virtio-serial-pci"],
    ...[
      "-chardev",
      "file,id=output,path=/dev/stdout",
      "-device",
      "virtserialport,chardev=output,name=output",
    ],
    ...[
      "-chardev",
      `file,id=status,path=${folder}/status`,
      "-device",
      "virtserialport,chardev=status,name=status",
    ],
    ...[{ path: root, readOnly: true }, ...disks].flatMap(drive),
    ...devices,
    ...folders.flatMap(({ path, kind, tag }) => [
      ...[
        "-fsdev",
        `local,id=${tag},path=${escape(path)},security_model=none,multidevs=remap,readonly=${
          kind === "write" ? "off" : "on"
        }`,
      ],
      ...["-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
    ]),
    ...(tpm === undefined ? [] : tpmArguments(tpm)),
    ...(uefi === undefined ? [] : uefiArguments(uefi)),
  ];
}

/** Firmware in flash memory, and its variables. */
export function uefiArguments({ code, vars }: { readonly code: string; readonly vars: string }): string[] {
  return [
    ...["-drive", `if=pflash,format=raw,readonly=on,file=${escape(code)}`],
    ...["-drive", `if=pflash,format=raw,file=${escape(vars)}`],
  ];
}

/** no_timer_check: on a busy host the emulated timer may miss the kernel's test of it, which then panics. */
const commandLine = "console=ttyS0 loglevel=4 panic=-1 no_timer_check";

const onOff = (set: boolean) => set ? "on" : "off";

/** For sh. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** For QEMU's options. */
function escape(text: string): string {
  return text.replaceAll(",", ",,");
}
