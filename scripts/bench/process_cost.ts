/** The cost of a program and its descendants so far, from proc(5). Linux only. */

const TICKS_A_SECOND = 100;
const KIB = 1024;

/**
 * User and system time of the process and its descendants, including those that have ended and were reaped (stat,
 * fields 14 to 17).
 */
export function cpuSecondsOf(pid: number): number {
  return processTree(pid).reduce((sum, id) => {
    const stat = read(`/proc/${id}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = fields.slice(11, 15).reduce((total, field) => total + Number(field), 0);
    return sum + ticks / TICKS_A_SECOND;
  }, 0);
}

/**
 * Resident memory without pages of files in memory (RssAnon + RssFile of status): payload that an engine maps from
 * /dev/shm does not count as its own.
 */
export function memoryBytesOf(pid: number): number {
  return processTree(pid).reduce((sum, id) => {
    const kilobytes = read(`/proc/${id}/status`).matchAll(/^Rss(?:Anon|File):\s+(\d+) kB$/gm);
    return [...kilobytes].reduce((total, [, value]) => total + Number(value) * KIB, sum);
  }, 0);
}

/** The process and its descendants, which are all started by a first thread. */
export function processTree(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter((id) => id !== "");
  return [pid, ...children.flatMap((id) => processTree(Number(id)))];
}

/** Empty if the process has ended. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
