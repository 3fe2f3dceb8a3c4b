/** A file to send, readable at any offset. */
export interface TftpFile {
  readonly sizeBytes: number;
  /** Fills `into` from `offset`; returns the number of bytes written, which is smaller only at the end. */
  read(offset: number, into: Uint8Array): number;
  /** Called once, when the transfer ends. */
  close?(): void;
}

export function fileOfBytes(bytes: Uint8Array): TftpFile {
  return {
    sizeBytes: bytes.length,
    read(offset, into) {
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** Opens a regular file, at its present size. The transfer closes it. Throws as Deno.openSync does. */
export function openFile(path: string): TftpFile {
  const file = Deno.openSync(path);
  return {
    sizeBytes: file.statSync().size,
    read(offset, into) {
      file.seekSync(offset, Deno.SeekMode.Start);
      let filled = 0;
      while (filled < into.length) {
        const count = file.readSync(into.subarray(filled));
        if (count === null) break;
        filled += count;
      }
      return filled;
    },
    close: () => file.close(),
  };
}
