/** Lines of UTF-8 text, each ended by LF, as manifests and the memory of a capture have them. */

/** Without their ends. Throws RangeError where the last one has none. */
export function* linesOf(bytes: Uint8Array): Generator<string, undefined> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < buffer.length;) {
    const end = buffer.indexOf(10, start);
    if (end < 0) throw new RangeError("last line has no end");
    yield buffer.toString("utf8", start, end);
    start = end + 1;
  }
}
