import type { Result } from "../result.ts";

/** A measurement with plausible values for all that a test does not set. */
export const result = (
  engine: string,
  nodes: number,
  seconds: number,
  rest: Partial<Result> = {},
): Result => ({
  engine,
  nodes,
  seconds,
  allSeconds: [seconds],
  cpuSecondsPerGb: 5,
  memoryMib: 100,
  serverSent: 1.2,
  ...rest,
});
