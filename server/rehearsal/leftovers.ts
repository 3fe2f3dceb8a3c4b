/** What a rehearsal leaves behind when the server is killed: a machine that runs on, and its disks. */
import { pidFile } from "../virtual_machine/qemu.ts";

/** Ends the machine, and removes what only it needed. `folder`: the rehearsal's. */
export async function removeLeftovers(folder: string): Promise<void> {
  const work = `${folder}/work`;
  endMachine(work);
  await Deno.remove(work, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** Its process id may belong to another process by now: only one that names this folder is ended. */
function endMachine(work: string): void {
  try {
    const pid = Number(Deno.readTextFileSync(pidFile(work)));
    if (!Number.isSafeInteger(pid) || pid <= 1) return;
    if (!Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes(pidFile(work))) return;
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
