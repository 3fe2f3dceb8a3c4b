/** A tar whose bytes depend on its files and their time alone: sorted, owned by root. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { END_BYTES, padding } from "#tar/ustar.ts";
import { encodeHeader } from "#tar/write_member.ts";
import type { PackageFile } from "./package_files.ts";

/**
 * Every folder comes before what is in it.
 *
 * @param epoch seconds since 1970 that all members carry
 * @param open absolute paths of folders that everybody may write to
 */
export function tarOf(
  files: readonly PackageFile[],
  { epoch, open = [] }: { epoch: number; open?: readonly string[] },
): Uint8Array {
  const parts: Uint8Array[] = [];
  const common = { uid: 0, gid: 0, mtimeSec: epoch, mtimeNs: 0, xattrs: [] };
  const folders = new Set<string>();
  const folder = (path: string, mode: number) => {
    if (path === "" || folders.has(path)) return;
    folder(parentOf(path), 0o755);
    folders.add(path);
    const member = {
      ...common,
      type: "5",
      path: bytePathOfText(`${path.slice(1)}/`),
      mode,
      sizeBytes: 0,
    } as const;
    parts.push(encodeHeader(member));
  };
  for (const { path, mode, content } of files.toSorted((a, b) => a.path < b.path ? -1 : 1)) {
    folder(parentOf(path), 0o755);
    const bytes = content instanceof Uint8Array ? content : Deno.readFileSync(content.from);
    const member = {
      ...common,
      type: "0",
      path: bytePathOfText(path.slice(1)),
      mode,
      sizeBytes: bytes.length,
    } as const;
    parts.push(encodeHeader(member), bytes, padding(bytes.length));
  }
  for (const path of open) folder(path, 0o1777);
  return Buffer.concat([...parts, new Uint8Array(END_BYTES)]);
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
