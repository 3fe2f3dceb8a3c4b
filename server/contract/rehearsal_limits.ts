/** Bounds of what one rehearsal may take of the server. */
export const REHEARSAL_LIMITS = {
  memoryMiB: { min: 512, max: 65_536, usual: 2048 },
  installSeconds: { min: 60, max: 6 * 3600, usual: 3600 },
  bootSeconds: { min: 10, max: 2 * 3600, usual: 600 },
} as const;
