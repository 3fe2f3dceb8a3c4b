import type { Run } from "./command.ts";

/**
 * What blkid(8) reads off a device, or off the part of it that `place` names by further options, as `-o export` prints
 * it: nothing where it knows nothing of it, or several things at once.
 */
export async function probeDevice(
  device: string,
  { place = [], run, signal }: { place?: readonly string[]; run: Run; signal?: AbortSignal | undefined },
): Promise<string> {
  const argv = ["blkid", "-p", ...place, "-o", "export", device] as const;
  return (await run(argv, { accept: [0, 2, 8], signal })).stdout;
}
