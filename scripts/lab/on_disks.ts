/** Mounts the file systems of disks that no machine is using: on the host, or those of a layout in the small VM. */
import type { DiskTask, TaskResult } from "./disk_tasks.ts";
import { areOnHost, checkOnHost, onHost, plain } from "./host_disks.ts";
import type { LabLayout, TreeFileSystem } from "./layouts/layout.ts";
import { mountAll } from "./layouts/template_disks.ts";
import type { VmDisk } from "./qemu.ts";
import { runInSmallVm } from "./small_vm.ts";
import type { Workplace } from "./workplace.ts";

/**
 * write: changes reach the disk. intact: read-only, and the file systems must not need their journals. replay: their
 * journals are replayed; only for a disk that is the lab's own copy.
 */
type Access = "write" | "intact" | "replay";

interface DisksOptions {
  readonly disks: readonly VmDisk[];
  readonly access: Access;
}

function compared({ fileSystems }: LabLayout): readonly TreeFileSystem[] {
  return fileSystems.filter(({ isOwn }) => !isOwn);
}

/** The host may be unable to mount a vfat, and only the boot loader is on it. */
function filled(layout: LabLayout): readonly TreeFileSystem[] {
  return compared(layout).filter(({ type }) => type !== "vfat");
}

/** Where they are mounted, "/" first. */
function placesOf(layout: LabLayout): readonly string[] {
  const mounted = filled(layout).flatMap(({ at, subvolumes }) => subvolumes?.map(({ at }) => at) ?? [at]);
  return [...mounted, ...layout.nested ?? []];
}

/** Options that do not replay the journal. */
const intact = { ext4: "ro,noload", xfs: "ro,norecovery", btrfs: "ro", vfat: "ro" };

/** Only one loop device may mount a file system for writing, so tasks on the host run one after the other. */
let turn: Promise<unknown> = Promise.resolve();

export async function onDisks<T extends DiskTask>(
  lab: Workplace,
  task: T,
  options: DisksOptions,
): Promise<TaskResult<T>> {
  const { layout, folder, signal } = lab, { disks, access } = options;
  const places = layout ? placesOf(layout) : ["/"];
  const fileSystems = layout ? filled(layout) : plain;
  const work = async () => {
    signal.throwIfAborted();
    if (layout && !areOnHost(fileSystems, { layout, writes: access === "write" })) {
      return await inSmallVm(lab, task, { ...options, places });
    }
    return await onHost(task, {
      fileSystems,
      images: disks.map(({ path }) => path),
      folder: `${folder}/disk`,
      options: access === "intact" ? intact : {},
      places,
      alike: layout?.alike,
    });
  };
  const result = turn.then(work, work);
  turn = result.catch(() => {});
  return await result as TaskResult<T>;
}

async function inSmallVm(
  lab: Workplace,
  task: DiskTask,
  { disks, access, places }: DisksOptions & { readonly places: readonly string[] },
): Promise<unknown> {
  const { layout, folder, signal } = lab;
  if (!layout) throw new TypeError("there is no layout");
  const results = `${folder}/results`;
  await Deno.mkdir(results, { recursive: true });
  const keys = keysOf(lab);
  const { code, output } = await runInSmallVm({
    disks: disks.map(({ path }) => ({ path, ...(access !== "write" && { discardWrites: true }) })),
    script: `
root=/mnt/disks; mkdir $root
${layout.assemble}
${mountAll(compared(layout), access === "intact" ? intact : {})}
deno run -A --no-check scripts/lab/disk_tasks.ts ${task} $root ${places.join()} ${results}/result "$(cat <<'END'
${layout.alike ?? ""}
END
)"
umount -R $root
vgchange -q -an || true
mdadm --stop --scan --quiet || true
`,
    shares: [{ path: results, writable: true }, ...keys.shares],
    env: keys.env,
    udev: true,
    memoryMiB: 1536,
    timeoutMs: 900_000,
    signal,
  });
  if (code !== 0) throw new Error(`${task} on ${disks[0]?.serial}: exit ${code}\n${output}`);
  return JSON.parse(await Deno.readTextFile(`${results}/result`));
}

/** `assemble` opens encrypted volumes with the files in $KEYS. */
function keysOf({ layout, folder }: Workplace) {
  const path = keysFolder(folder);
  return layout?.unlock ? { shares: [{ path }], env: { KEYS: path } } : { shares: [], env: {} };
}

/** Where the recovery keys of the nodes are kept. */
export function keysFolder(folder: string): string {
  return `${folder}/keys`;
}

/** Programs that check a file system without writing, and exit 0 only if nothing is wrong. */
const checkers = {
  ext4: ["e2fsck", "-f", "-n"],
  xfs: ["xfs_repair", "-n"],
  btrfs: ["btrfs", "check", "--readonly"],
  vfat: ["fsck.vfat", "-n"],
};

/** Checks the file systems of a layout's disks without writing. */
export async function checkLayout(
  lab: Workplace & { readonly layout: LabLayout },
  { disks }: { readonly disks: readonly VmDisk[] },
): Promise<{ readonly code: number; readonly output: string }> {
  const { layout, signal } = lab, keys = keysOf(lab);
  const fileSystems = compared(layout), images = disks.map(({ path }) => path);
  if (areOnHost(fileSystems, { layout })) return await checkOnHost(fileSystems, { images, checkers, signal });
  const checks = fileSystems.map(({ type, device }) => `${checkers[type].join(" ")} ${device}`);
  return await runInSmallVm({
    disks: images.map((path) => ({ path, discardWrites: true })),
    script: `${layout.assemble}\nfailed=0\n${
      checks.map((check) => `${check} || failed=1`).join("\n")
    }\nexit $failed`,
    ...keys,
    udev: true,
    timeoutMs: 600_000,
    signal,
  });
}
