import type { Pause } from "./power_driver.ts";

/** Throws the signal's reason as soon as it aborts. */
export const pauseFor: Pause = (ms, signal) => {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const abort = () => {
    clearTimeout(timer);
    reject(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", abort));
};
