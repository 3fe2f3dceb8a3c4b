import { fileOfBytes, openFile, type TftpFile } from "./tftp/tftp_file.ts";

/** A file that firmware loads, by TFTP or HTTP. */
export type BootFile = TftpFile;

export function fileOfText(text: string): BootFile {
  return fileOfBytes(new TextEncoder().encode(text));
}

/** Presents several files as one, in order: the segments of an initramfs. Throws as Deno.openSync does. */
export function openJoined(paths: readonly string[]): BootFile {
  const parts: { file: BootFile; start: number }[] = [];
  const close = () => parts.forEach(({ file }) => file.close?.());
  let sizeBytes = 0;
  try {
    for (const path of paths) {
      const file = openFile(path);
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
