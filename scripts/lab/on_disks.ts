/**
 * Mounts the file systems of disks that no machine is using: on the host, or those of a layout that the host cannot read,
 * or may not write, in the small VM.
 */
import { type DiskTask, diskTasks, type TaskResult } from "./disk_tasks.ts";
import type { LabLayout } from "./layouts/layout.ts";
import { compared, type Place, placesOf } from "./layouts/places.ts";
import { mountAll } from "./layouts/template_disks.ts";
import { LoopDisk, Mount } from "./loop_disk.ts";
import type { VmDisk } from "./qemu.ts";
import { runInSmallVm } from "./small_vm.ts";
import { rootPartition } from "./template_disk.ts";
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

/** Options that do not replay the journal. */
const intact = { ext4: "ro,noload", xfs: "ro,norecovery", btrfs: "ro", vfat: "ro" };

/** Only one loop device may mount a file system for writing, so tasks on the host run one after the other. */
let turn: Promise<unknown> = Promise.resolve();

export async function onDisks<T extends DiskTask>(
  lab: Workplace,
  task: T,
  options: DisksOptions,
): Promise<TaskResult<T>> {
  const work = () =>
    lab.layout ? onLayout(lab, task, { ...options, layout: lab.layout }) : onHost(lab, task, options);
  const result = turn.then(work, work);
  turn = result.catch(() => {});
  return await result as TaskResult<T>;
}

async function onHost(lab: Workplace, task: DiskTask, { disks, access }: DisksOptions): Promise<unknown> {
  lab.signal.throwIfAborted();
  await using disk = await LoopDisk.attach(disks[0]?.path ?? "", { readOnly: access === "intact" });
  await using mount = await Mount.at(`${lab.folder}/disk`, {
    source: disk.partition(rootPartition),
    options: access === "intact" ? ["-o", "ro,noload"] : [],
  });
  return await diskTasks[task](mount.path, ["/"]);
}

interface LayoutOptions extends DisksOptions {
  readonly layout: LabLayout;
}

/** Writing to one half of a mirror would make it differ from the other. */
async function onLayout(lab: Workplace, task: DiskTask, options: LayoutOptions): Promise<unknown> {
  const { layout, disks, access } = options;
  const places = access === "write" ? undefined : await placesOf(layout, disks, lab.signal);
  return places ? await onPlaces(lab, task, { places, access }) : await inSmallVm(lab, task, options);
}

async function onPlaces(
  lab: Workplace,
  task: DiskTask,
  { places, access }: { readonly places: readonly Place[]; readonly access: Access },
): Promise<unknown> {
  const root = `${lab.folder}/disk`;
  await using stack = new AsyncDisposableStack();
  for (const { fileSystem: { at, type }, image, offsetBytes, sizeBytes } of places) {
    const range = [`offset=${offsetBytes}`, `sizelimit=${sizeBytes}`];
    const more = [...(access === "intact" ? [intact[type]] : []), ...(type === "xfs" ? ["nouuid"] : [])];
    const options = ["-o", ["loop", ...range, ...more].join()];
    stack.use(await Mount.at(`${root}${at === "/" ? "" : at}`, { source: image, options }));
  }
  return await diskTasks[task](root, places.map(({ fileSystem: { at } }) => at));
}

async function inSmallVm(
  lab: Workplace,
  task: DiskTask,
  { layout, disks, access }: LayoutOptions,
): Promise<unknown> {
  const { folder, signal } = lab;
  const results = `${folder}/results`;
  await Deno.mkdir(results, { recursive: true });
  const places = compared(layout).filter(({ type }) => type !== "vfat")
    .flatMap(({ at, subvolumes }) => subvolumes?.map(({ at }) => at) ?? [at]);
  const { code, output } = await runInSmallVm({
    disks: disks.map(({ path }) => ({ path, ...(access !== "write" && { discardWrites: true }) })),
    script: `
root=/mnt/disks; mkdir $root
${layout.assemble}
${mountAll(compared(layout), access === "intact" ? intact : {})}
deno run -A --no-check scripts/lab/disk_tasks.ts ${task} $root ${places.join()} ${results}/result
umount -R $root
vgchange -q -an || true
mdadm --stop --scan --quiet || true
`,
    shares: [{ path: results, writable: true }],
    udev: true,
    memoryMiB: 1536,
    timeoutMs: 900_000,
    signal,
  });
  if (code !== 0) throw new Error(`${task} on ${disks[0]?.serial}: exit ${code}\n${output}`);
  return JSON.parse(await Deno.readTextFile(`${results}/result`));
}

const checkers = {
  ext4: "e2fsck -f -n",
  xfs: "xfs_repair -n",
  btrfs: "btrfs check --readonly",
  vfat: "fsck.vfat -n",
};

/** Checks the file systems of a layout's disks without writing. */
export async function checkLayout(layout: LabLayout, disks: readonly VmDisk[], signal: AbortSignal) {
  const checks = compared(layout).map(({ type, device }) => `${checkers[type]} ${device}`);
  return await runInSmallVm({
    disks: disks.map(({ path }) => ({ path, discardWrites: true })),
    script: `${layout.assemble}\nfailed=0\n${
      checks.map((check) => `${check} || failed=1`).join("\n")
    }\nexit $failed`,
    udev: true,
    timeoutMs: 600_000,
    signal,
  });
}
