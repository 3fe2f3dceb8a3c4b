/** Reads a part of a file. */

export interface FileRange {
  readonly offset: number;
  readonly size: number;
}

/** Shorter if the file ends before. */
export async function readRange(file: Deno.FsFile, { offset, size }: FileRange): Promise<Uint8Array> {
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const got = await file.read(bytes.subarray(length));
    if (got === null) break;
    length += got;
  }
  return bytes.subarray(0, length);
}
