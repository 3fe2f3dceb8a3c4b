/** The steps of a node from power-on to its own system, in order (../../README.md, "What a node does"). */
export const STEPS = [
  "network",
  "enrol",
  "inventory",
  "plan",
  "guard",
  "keep",
  "ask",
  "partition",
  "format",
  "torrent",
  "install",
  "identity",
  "bootloader",
  "verify",
  "seed",
  "finish",
] as const;
export type Step = typeof STEPS[number];
