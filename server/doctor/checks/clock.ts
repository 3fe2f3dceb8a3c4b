/** The clock: certificates do not depend on it, but schedules, backups and logs do. */
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";

const check = "clock";
/** A file may be younger than the clock by as much as clocks are corrected in normal use. */
const SLACK_MS = 5 * 60_000;

export async function checkClock({ data }: DoctorOptions, system: DoctorSystem): Promise<Finding[]> {
  const nowMs = system.nowMs(), newestMs = newestChange(data);
  const time = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
  if (newestMs !== undefined && nowMs < newestMs - SLACK_MS) {
    return [{
      check,
      level: "problem",
      text: `the clock says ${time(nowMs)}, but the data directory was changed at ${time(newestMs)}, UTC`,
      remedy: "set it, and keep it right: timedatectl set-ntp true",
    }];
  }
  if (await system.isClockSynchronized() === false) {
    return [{
      check,
      level: "warning",
      text: "the clock is not synchronized, so that schedules and logs may be wrong",
      remedy: "timedatectl set-ntp true, or configure chrony.",
    }];
  }
  return [{ check, level: "ok", text: `it is ${time(nowMs)} UTC` }];
}

function newestChange(data: string): number | undefined {
  const times = ["rackseed.db", "rackseed.db-wal", "token", "url"].flatMap((name) => {
    try {
      return Deno.statSync(`${data}/${name}`).mtime?.getTime() ?? [];
    } catch {
      return [];
    }
  });
  return times.length === 0 ? undefined : Math.max(...times);
}
