/**
 * Machines whose first packets at a network boot were lost (boot/dhcp/first_packets.ts), in the file late-machines.json
 * of the data directory: `rackseed doctor` reads it while the database belongs to the running server.
 */
import { z } from "zod";

const LateMachine = z.object({ mac: z.string(), seconds: z.int(), at: z.iso.datetime() });
export type LateMachine = z.infer<typeof LateMachine>;

const MAX_MACHINES = 1000;

/** None if there is no such file, or it is damaged. */
export function readLateMachines(data: string): LateMachine[] {
  try {
    return z.array(LateMachine).max(MAX_MACHINES).parse(JSON.parse(Deno.readTextFileSync(pathIn(data))));
  } catch {
    return [];
  }
}

export function writeLateMachines(data: string, machines: readonly LateMachine[]): void {
  const path = pathIn(data), scratch = `${path}.new`;
  Deno.writeTextFileSync(scratch, JSON.stringify(machines), { mode: 0o600 });
  Deno.renameSync(scratch, path);
}

function pathIn(data: string): string {
  return `${data}/late-machines.json`;
}
