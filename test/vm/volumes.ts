/** Files of test/volumes/, run inside the small VM on real disks. */
import assert from "node:assert/strict";
import { runInSmallVm, smallVmNeeds } from "../../scripts/lab/small_vm.ts";
import { Tpm } from "../../scripts/lab/tpm.ts";
import { bootPrograms, bootProgramsNeeds } from "../support/boot_programs.ts";
import { needs } from "../support/needs.ts";
import { DISK_BYTES, DISKS, INSIDE, MACHINES, PROGRAMS } from "../volumes/in_small_vm.ts";

export function testVolumes(files: readonly string[]): void {
  for (const file of files) {
    const programs = machineOf(file)?.programs ? bootProgramsNeeds : [];
    Deno.test({
      name: `${file} passes in the small VM, on real disks`,
      ...needs({ ...smallVmNeeds, programs: [...smallVmNeeds.programs, ...programs] }),
      fn: () => runFile(file),
    });
  }
}

function machineOf(file: string) {
  return MACHINES.get(file.slice(file.lastIndexOf("/") + 1));
}

async function runFile(file: string): Promise<void> {
  const machine = machineOf(file);
  const added = machine?.programs ? await bootPrograms(`${Deno.cwd()}/.cache/lab`) : undefined;
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const sectors = [...DISKS.map(() => 512 as const), ...machine?.further ?? []];
  // the kernel names them in this order: vdb, vdc …
  const disks = sectors.map((sectorSize, i) => ({
    path: `${folder}/${i}`,
    serial: `serial-${DISKS[i] ?? i}`,
    sectorSize,
  }));
  for (const { path } of disks) {
    await Deno.writeFile(path, new Uint8Array());
    await Deno.truncate(path, DISK_BYTES);
  }
  const tpm = machine?.tpm ? stack.use(await Tpm.start(`${folder}/tpm`)) : undefined;
  const { code, output } = await runInSmallVm({
    disks,
    script: `deno test -A --no-check ${file}`,
    env: { [INSIDE]: "1", ...added !== undefined && { [PROGRAMS]: added } },
    shares: added === undefined ? [] : [{ path: added }],
    ...tpm && { tpm: tpm.socket },
    timeoutMs: 600_000,
  });
  assert.equal(code, 0, output);
  assert.match(output, / [1-9]\d* passed.* 0 failed \(/, output);
  console.log(output);
}
