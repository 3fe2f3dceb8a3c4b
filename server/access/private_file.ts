import { messageOf, RackseedError } from "#contract/errors.ts";

/** Writes a file that only its owner can read, all of it or nothing. */
export function writePrivateFile(path: string, content: string): void {
  writeWhole(path, { content, mode: 0o600 });
}

/** Writes a file that everybody can read, all of it or nothing. */
export function writePublicFile(path: string, content: string): void {
  writeWhole(path, { content, mode: 0o644 });
}

function writeWhole(path: string, { content, mode }: { content: string; mode: number }): void {
  const scratch = `${path}.new`;
  using file = Deno.openSync(scratch, { write: true, create: true, truncate: true, mode });
  Deno.chmodSync(scratch, mode);
  const bytes = new TextEncoder().encode(content);
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  file.syncSync();
  Deno.renameSync(scratch, path);
}

/** Undefined if there is no such file. */
export function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new RackseedError(`cannot read ${path}`, {
      reason: `${messageOf(error)}.`,
      remedy: "check the file's owner and mode.",
      cause: error,
    });
  }
}
