/** Lines of UTF-8 text, each ended by LF, as manifests and the memory of a capture have them. */

/** Decoded at a time: one by one would cost three times as much. */
const PART_BYTES = 1 << 20;

/** Without their ends. Throws RangeError where the last one has none. */
export function* linesOf(bytes: Uint8Array): Generator<string, undefined> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < buffer.length;) {
    const within = buffer.lastIndexOf(10, start + PART_BYTES);
    // a line longer than a part is a part of its own
    const end = within >= start ? within : buffer.indexOf(10, start);
    if (end < 0) break;
    yield* buffer.toString("utf8", start, end).split("\n");
    start = end + 1;
  }
  if (buffer.length > 0 && buffer.at(-1) !== 10) throw new RangeError("last line has no end");
}
