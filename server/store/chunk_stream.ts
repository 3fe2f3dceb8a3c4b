/** A stream that produces each chunk on demand. `end` is called once, when it ends, fails or is cancelled. */
export function chunkStream(
  chunks: Iterator<Uint8Array>,
  { end }: { end: () => void },
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      try {
        const { value, done } = chunks.next();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      end();
    },
    cancel: end,
  }, { highWaterMark: 1 });
}
