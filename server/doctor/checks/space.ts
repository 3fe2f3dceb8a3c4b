/** Room on the disk of the data directory. */
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";

const check = "space";
const FULL_BYTES = 512 << 10;
const LOW = 0.1;

export function checkSpace({ data }: DoctorOptions, system: DoctorSystem): Finding[] {
  const { sizeBytes, freeBytes, inodes, freeInodes } = system.space(data);
  const share = freeBytes / sizeBytes;
  const free = `${(freeBytes / 1e9).toFixed(1)} of ${(sizeBytes / 1e9).toFixed(1)} GB`;
  const remedy = "remove versions (rackseed image prune), or give the data directory a larger disk.";
  if (freeBytes < FULL_BYTES) {
    return [{ check, level: "problem", text: "the disk of the data directory is full", remedy }];
  }
  if (share < LOW) return [{ check, level: "warning", text: `only ${free} are free in ${data}`, remedy }];
  if (inodes > 0 && freeInodes / inodes < LOW) {
    return [{
      check,
      level: "warning",
      text: `only ${freeInodes} more files can be made in ${data}`,
      remedy: "remove small files of other programs, or make a new file system with more inodes.",
    }];
  }
  return [{ check, level: "ok", text: `${free} are free in ${data}` }];
}
