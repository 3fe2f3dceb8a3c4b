/**
 * The steps of a node from power-on to its own system, in order (server/docs/deploy.md, "What a node does"). "restart"
 * occurs only if a running system restarts itself into the installer (restarts.ts), the steps of hooks only if the node
 * has hooks, "mount" and "capture" only in a backup; the clone itself reports the last one (first_boot.ts).
 */
export const STEPS = [
  "restart",
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
