/**
 * The steps of a node from power-on to its own system, in order (../docs/deploy.md, "What a node does"). Those of
 * hooks are there only where it has some, "mount" and "capture" where it is backed up; the last is reported by the clone itself (first_boot.ts).
 */
export const STEPS = [
  "network",
  "enrol",
  "inventory",
  "mount",
  "capture",
  "plan",
  "guard",
  "keep",
  "ask",
  "pre-install",
  "partition",
  "format",
  "torrent",
  "install",
  "identity",
  "bootloader",
  "verify",
  "post-install",
  "seed",
  "finish",
  "first-boot",
] as const;
export type Step = typeof STEPS[number];
