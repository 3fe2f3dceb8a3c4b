import { isDiskFull } from "./store_error.ts";

/** Runs `work`. While the disk is too full for it, frees space in one of `ways` after the other and tries again. */
export function withRoom<T>(work: () => T, ways: readonly (() => void)[]): T {
  for (const free of ways) {
    try {
      return work();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      free();
    }
  }
  return work();
}
