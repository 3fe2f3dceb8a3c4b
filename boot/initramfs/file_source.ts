/**
 * Where the files of an initramfs come from: an image, or the root of a machine. Paths are absolute and normalized
 * (`/usr/bin/dash`). A source itself follows no symbolic link, neither at the end of a path nor on the way, so that
 * nothing outside it can be reached. `resolvePath` follows links inside the source.
 */
export interface FileSource {
  /** What is at the path; undefined if nothing is, or if a symbolic link is on the way. */
  lookup(path: string): Promise<SourceEntry | undefined>;
  /** The whole content of a regular file. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The names in a directory, in any order. */
  list(path: string): Promise<readonly string[]>;
}

export type SourceEntry =
  | { readonly type: "file"; readonly mode: number; readonly sizeBytes: number }
  | { readonly type: "directory" }
  | { readonly type: "symlink"; readonly target: string };

/** Where a path leads, and the symbolic links that lead there. */
interface ResolvedPath {
  readonly path: string;
  readonly entry: Exclude<SourceEntry, { type: "symlink" }>;
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** Linux gives up (ELOOP) after this many, path_resolution(7). */
const longestChain = 40;

/** Follows the symbolic links of a path inside the source; undefined if it leads nowhere. */
export async function resolvePath(source: FileSource, path: string): Promise<ResolvedPath | undefined> {
  const links: { path: string; target: string }[] = [];
  const rest = namesOf(path);
  let done: string[] = [];
  let entry: ResolvedPath["entry"] = { type: "directory" };
  while (rest.length > 0) {
    const name = rest.shift() ?? "";
    if (entry.type !== "directory") return undefined;
    if (name === "..") {
      done.pop();
      continue;
    }
    const here = `/${[...done, name].join("/")}`;
    const found = await source.lookup(here);
    if (found === undefined) return undefined;
    if (found.type !== "symlink") {
      done.push(name);
      entry = found;
      continue;
    }
    links.push({ path: here, target: found.target });
    if (links.length > longestChain) return undefined;
    if (found.target.startsWith("/")) done = [];
    rest.unshift(...namesOf(found.target));
  }
  return { path: `/${done.join("/")}`, entry, links };
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** The path of the regular file that a path leads to; undefined if it leads to anything else. */
export async function resolveFile(source: FileSource, path: string): Promise<string | undefined> {
  const resolved = await resolvePath(source, path);
  return resolved?.entry.type === "file" ? resolved.path : undefined;
}

/** The content of a text file; undefined if there is none. */
export async function readText(source: FileSource, path: string): Promise<string | undefined> {
  const file = await resolveFile(source, path);
  return file === undefined ? undefined : new TextDecoder().decode(await source.read(file));
}

/** The paths of a directory's entries, sorted; empty if there is no such directory. */
export async function listFolder(source: FileSource, path: string): Promise<string[]> {
  const resolved = await resolvePath(source, path);
  if (resolved?.entry.type !== "directory") return [];
  const names = await source.list(resolved.path);
  return [...names].sort().map((name) => `${path}/${name}`);
}
