/** What tests of assembled volumes look at. */
import assert from "node:assert/strict";
import { runCommand as run } from "../../agent/sys/command.ts";
import { facts, shell } from "./stacks.ts";

export async function assertNothingIsLeft(): Promise<void> {
  const names = Array.from(Deno.readDirSync("/sys/block"), ({ name }) => name);
  const left = names.filter((name) => /^(dm-|md)/.test(name)).filter((name) =>
    // opening the node of a stopped array makes an empty one
    !/^md/.test(name) || Deno.readTextFileSync(`/sys/block/${name}/size`).trim() !== "0"
  );
  assert.deepEqual(left, []);
  assert.equal(await shell("losetup -a"), "");
}

export async function fileOn(device: string | undefined, path: string): Promise<string> {
  assert(device !== undefined);
  await run(["mount", "-o", "ro,noload", device, "/mnt"]);
  try {
    return (await Deno.readTextFile(`/mnt/${path}`)).trim();
  } finally {
    await run(["umount", "/mnt"]);
  }
}

export async function partitionsOf(names: readonly string[]): Promise<string[]> {
  return (await facts(names)).flatMap(({ name, partitions }) => [
    `/dev/${name}`,
    ...partitions.map((p) => `/dev/${p.name}`),
  ]);
}
