/** Probes the content of a block device on the device itself, without caches. */
import type { Run } from "../sys/command.ts";
import { readRange } from "../tree/file_range.ts";
import { parseBlkid } from "./partition_table.ts";

/** Reads the first bytes of a device; fewer if it is smaller. */
export type ReadStart = (path: string, bytes: number) => Promise<Uint8Array>;

export const startOf: ReadStart = async (path, bytes) => {
  using device = await Deno.open(path);
  return await readRange(device, { offset: 0, size: bytes });
};

/** Runs blkid's low-level probing, which bypasses its cache. Exit status 2 means unknown content. */
export async function probe(path: string, run: Run): Promise<ReadonlyMap<string, string>> {
  return parseBlkid((await run(["blkid", "-p", "-o", "export", path], { accept: [0, 2] })).stdout);
}

export function identityOf(facts: ReadonlyMap<string, string>): { uuid?: string; label?: string } {
  const uuid = facts.get("UUID"), label = facts.get("LABEL");
  return { ...(uuid !== undefined && { uuid }), ...(label !== undefined && { label }) };
}
