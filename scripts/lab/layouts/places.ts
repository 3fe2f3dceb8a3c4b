/**
 * Where a layout's file systems lie on its disks. The host's kernel may know neither MD nor LVM, but a mirror's half, or
 * a linear volume, is a plain range of a disk: mounted there, it is read by the host's processor instead of an emulated
 * one.
 */
import { runInSmallVm } from "../small_vm.ts";
import type { VmDisk } from "../qemu.ts";
import type { LabLayout, TreeFileSystem } from "./layout.ts";

export interface Place {
  readonly fileSystem: TreeFileSystem;
  readonly image: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

const SECTOR = 512;

/** By the paths of the disks: an installed disk keeps its layout. */
const found = new Map<string, Promise<Place[]>>();

/** Undefined if the host cannot read one of the file systems that clones have in common. */
export async function placesOf(
  layout: LabLayout,
  disks: readonly VmDisk[],
  signal: AbortSignal,
): Promise<readonly Place[] | undefined> {
  const fileSystems = compared(layout).filter(({ type }) => type !== "vfat");
  if (layout.unlock || fileSystems.some(({ type }) => type === "btrfs")) return undefined;
  const key = disks.map(({ path }) => path).join();
  const places = found.get(key) ?? locate(layout, { fileSystems, disks, signal });
  found.set(key, places);
  return await places;
}

/** Those that a clone has in common with its template. */
export function compared({ fileSystems }: LabLayout): readonly TreeFileSystem[] {
  return fileSystems.filter(({ isOwn }) => !isOwn);
}

async function locate(
  { assemble }: LabLayout,
  { fileSystems, disks, signal }: {
    readonly fileSystems: readonly TreeFileSystem[];
    readonly disks: readonly VmDisk[];
    readonly signal: AbortSignal;
  },
): Promise<Place[]> {
  const script = `${assemble}\n${follow}\n${
    fileSystems.map(({ device }) => `follow ${device}`).join("\n")
  }\n`;
  const { code, output } = await runInSmallVm({
    disks: disks.map(({ path }) => ({ path, discardWrites: true })),
    script,
    udev: true,
    timeoutMs: 600_000,
    signal,
  });
  const lines = [...output.matchAll(/^PLACE vd(\w) (\d+) (\d+)$/gm)];
  if (code !== 0 || lines.length !== fileSystems.length) {
    throw new Error(`the volumes of ${disks[0]?.serial} were not found: exit ${code}\n${output}`);
  }
  return lines.map(([, letter = "", start, sectors], i) => ({
    fileSystem: fileSystems[i]!,
    // vda is the small VM's own
    image: disks[letter.charCodeAt(0) - "b".charCodeAt(0)]?.path ?? "",
    offsetBytes: Number(start) * SECTOR,
    sizeBytes: Number(sectors) * SECTOR,
  }));
}

/** Shell: prints disk, first sector and number of sectors of a volume. */
const follow = `
follow() {
  name=$(basename $(readlink -f $1)); start=0; sectors=$(blockdev --getsz $1)
  while :; do
    at=/sys/class/block/$name
    if [ -e $at/dm ]; then
      set -- $(dmsetup table $(cat $at/dm/name))
      [ $# = 5 ] && [ $3 = linear ] || exit 1
      start=$((start + $5)); name=$(basename $(readlink -f /sys/dev/block/$4))
    elif [ -e $at/md ]; then
      [ $(cat $at/md/level) = raid1 ] || exit 1
      start=$((start + $(cat $at/md/rd0/offset))); name=$(basename $(readlink -f $at/md/rd0/block))
    elif [ -e $at/partition ]; then
      start=$((start + $(cat $at/start))); name=$(basename $(dirname $(readlink -f $at)))
    else
      echo PLACE $name $start $sectors
      return
    fi
  done
}
`;
