import type { Run } from "./command.ts";

/**
 * What blkid(8) finds on a device, or on the part of it that `place` selects by further options, in `-o export` format.
 * Empty if blkid recognizes nothing, or several things at once.
 */
export async function probeDevice(
  device: string,
  { place = [], run, signal }: { place?: readonly string[]; run: Run; signal?: AbortSignal | undefined },
): Promise<string> {
  const argv = ["blkid", "-p", ...place, "-o", "export", device] as const;
  return (await run(argv, { accept: [0, 2, 8], signal })).stdout;
}
