import { fileOfBytes, openFile, type TftpFile } from "./tftp/tftp_file.ts";

/** A file that firmware loads, by TFTP or HTTP. */
export type BootFile = TftpFile;

export function fileOfText(text: string): BootFile {
  return fileOfBytes(new TextEncoder().encode(text));
}

/** Presents files, named by their paths, and bytes as one file, in order. Throws as Deno.openSync does. */
export function openJoined(pieces: readonly (string | Uint8Array)[]): BootFile {
  const parts: { file: BootFile; start: number }[] = [];
  const close = () => parts.forEach(({ file }) => file.close?.());
  let sizeBytes = 0;
  try {
    for (const piece of pieces) {
      const file = typeof piece === "string" ? openFile(piece) : fileOfBytes(piece);
      parts.push({ file, start: sizeBytes });
      sizeBytes += file.sizeBytes;
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    sizeBytes,
    read(offset, into) {
      let filled = 0;
      for (const { file, start } of parts) {
        const at = offset + filled - start;
        if (at >= 0 && at < file.sizeBytes) filled += file.read(at, into.subarray(filled));
      }
      return filled;
    },
    close,
  };
}
