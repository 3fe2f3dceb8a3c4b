/**
 * Frees the memory behind `bytes`, all of its buffer, at once instead of at some garbage collection; every view of it
 * becomes empty. Buffers of megabytes, each used once, would otherwise start a collection for every few of them, and
 * each new one would be fresh memory, which the kernel has to clear.
 */
export function release({ buffer }: Uint8Array): void {
  // a buffer that was transferred to another thread is no longer this thread's to free
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
