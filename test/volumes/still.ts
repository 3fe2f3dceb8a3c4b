/** Reads the system on the write-protected disks as a backup at boot does. */
import assert from "node:assert/strict";
import type { DiskLayout } from "#contract/format/layout.ts";
import { readStillSystem } from "../../agent/backup/still_system.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { protectFromWriting } from "../../agent/sys/write_protection.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { assertNothingIsLeft, partitionsOf } from "./assembled.ts";
import { DISKS } from "./in_small_vm.ts";
import { facts, written } from "./stacks.ts";

const AT = "/mnt/still";

/** Reads the system on the disks, and checks that nothing was written to them. */
export async function readStill(keys: readonly string[]) {
  await Deno.mkdir(AT, { recursive: true });
  const before = await written();
  let found;
  {
    using _protection = protectFromWriting(await partitionsOf(DISKS));
    await using stack = new AsyncDisposableStack();
    const { signal } = new AbortController();
    const excludes = compileExcludes([]), firmware = "bios" as const;
    const options = { node: "n1", keys, excludes, firmware, at: AT, stack, run, signal };
    found = await readStillSystem(await facts(), options);
    assert.match(await Deno.readTextFile(`${AT}/file`), /^(kept|thin)$/m);
  }
  assert.equal(await written(), before);
  await assertNothingIsLeft();
  return found;
}

/** Without what depends on how it is mounted. */
export function comparable({ boot: _, swapFiles: __, fileSystems, ...layout }: DiskLayout) {
  return {
    ...layout,
    fileSystems: fileSystems.map(({ mountOptions: _, usedBytes: __, ...rest }) => rest),
  };
}
