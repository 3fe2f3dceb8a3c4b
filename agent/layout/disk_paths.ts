/** Disks that the kernel shows several times: paths over several cables, controllers or ports of a storage array. */
import type { DiskFacts } from "#contract/disk_facts.ts";
import { firstLine, namesIn } from "../sys/small_file.ts";

/** The kernel joins the paths of an NVMe disk itself, unless it is told not to. */
const SEVERAL = /^(sd[a-z]+|nvme\d+n\d+)$/;

/** The disk's number, the same on all paths: SCSI page 0x83, or the NVMe namespace's. `at`: its folder in sysfs. */
export async function wwidOf(at: string): Promise<string | undefined> {
  return await firstLine(`${at}/wwid`) ?? await firstLine(`${at}/device/wwid`);
}

/** The kernel's names of all paths to this disk, in order; only the name itself if there is just one. */
export async function pathsOf(name: string, { sys }: { sys: string }): Promise<string[]> {
  const wwid = SEVERAL.test(name) ? await wwidOf(`${sys}/block/${name}`) : undefined;
  // a number of zeros is what firmware without a number reports
  if (wwid === undefined || !/[1-9a-f]/i.test(wwid.replace(/^(naa|eui|t10|nvme|uuid)\./, ""))) return [name];
  const names = (await namesIn(`${sys}/block`)).filter((other) => SEVERAL.test(other)).sort(byNumber);
  const same = await Promise.all(names.map(async (other) => await wwidOf(`${sys}/block/${other}`) === wwid));
  return names.filter((_, i) => same[i]);
}

/** The kernel counts sda … sdz, sdaa. */
function byNumber(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

/** One disk with what is known of it by all its paths. Pure. */
export function joinPaths(disk: DiskFacts, others: readonly DiskFacts[]): DiskFacts {
  const all = [disk, ...others], paths = all.map(({ name }) => name);
  const unlike = others.find(({ sizeBytes, serial, model }) =>
    sizeBytes !== disk.sizeBytes || serial !== disk.serial || model !== disk.model
  );
  const drivers = [...new Set(all.flatMap(({ drivers = [] }) => drivers))];
  return {
    ...disk,
    paths,
    names: [...new Set(all.flatMap(({ names }) => names))],
    removable: all.some(({ removable }) => removable),
    readOnly: all.some(({ readOnly }) => readOnly),
    uses: [
      // cheap firmware gives all its disks one number
      ...unlike
        ? [
          `${
            paths.join(" and ")
          } have one WWID as if they were paths to one disk, but ${unlike.name} differs: ` +
          "detach all but one of them until the machine is installed",
        ]
        : [],
      ...all.flatMap(({ uses }) => uses),
    ],
    ...(drivers.length > 0 && { drivers }),
  };
}
