/** Lines of UTF-8 text, each ended by LF: the form of manifests and of a capture's memory. */

/** Bytes decoded at a time: decoding line by line costs three times as much. */
const PART_BYTES = 1 << 20;

/** The lines without their ends. Throws RangeError if the last one has no end. */
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
