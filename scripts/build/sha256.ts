import { createHash } from "node:crypto";

/** Hexadecimal SHA-256. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Hexadecimal SHA-256 of a file, read in parts; undefined if there is no such file. */
export async function sha256OfFile(path: string | URL): Promise<string | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const hash = createHash("sha256");
  for await (const part of file.readable) hash.update(part);
  return hash.digest("hex");
}
