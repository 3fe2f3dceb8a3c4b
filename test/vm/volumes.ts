/** Files of test/volumes/, run inside the small VM on real disks. */
import assert from "node:assert/strict";
import { runInSmallVm, smallVmNeeds } from "../../scripts/lab/small_vm.ts";
import { needs } from "../support/needs.ts";
import { DISK_BYTES, DISKS, INSIDE } from "../volumes/in_small_vm.ts";

export function testVolumes(files: readonly string[]): void {
  for (const file of files) {
    Deno.test({
      name: `${file} passes in the small VM, on real disks`,
      ...needs(smallVmNeeds),
      fn: () => runFile(file),
    });
  }
}

async function runFile(file: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const disks = DISKS.map((name) => ({ path: `${folder}/${name}`, serial: `serial-${name}` }));
    for (const { path } of disks) {
      await Deno.writeFile(path, new Uint8Array());
      await Deno.truncate(path, DISK_BYTES);
    }
    const { code, output } = await runInSmallVm({
      disks,
      script: `deno test -A --no-check ${file}`,
      env: { [INSIDE]: "1" },
      timeoutMs: 600_000,
    });
    assert.equal(code, 0, output);
    assert.match(output, / [1-9]\d* passed.* 0 failed \(/, output);
    console.log(output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
