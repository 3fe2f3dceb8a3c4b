/**
 * Where the parts of an initramfs come from: an image, or a machine's own root. Paths are absolute and plain
 * (`/usr/bin/dash`). A source follows no symbolic link, neither at the end of a path nor on its way, so that
 * nothing outside of it can be reached; `resolvePath` follows them inside.
 */
export interface FileSource {
  /** What stands at the path; undefined where nothing does, or where a symbolic link is on its way. */
  lookup(path: string): Promise<SourceEntry | undefined>;
  /** A regular file's whole content. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The names in a directory, in any order. */
  list(path: string): Promise<readonly string[]>;
}

export type SourceEntry =
  | { readonly type: "file"; readonly mode: number; readonly sizeBytes: number }
  | { readonly type: "directory" }
  | { readonly type: "symlink"; readonly target: string };

/** Where a path leads, and the links on the way that have to exist for it to lead there. */
interface ResolvedPath {
  readonly path: string;
  readonly entry: Exclude<SourceEntry, { type: "symlink" }>;
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** Linux gives up (ELOOP) after as many, path_resolution(7). */
const longestChain = 40;

/** Follows every symbolic link of a path inside the source; undefined where it leads nowhere. */
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

/** The plain file that a path leads to, and its path; undefined for all else. */
export async function resolveFile(source: FileSource, path: string): Promise<string | undefined> {
  const resolved = await resolvePath(source, path);
  return resolved?.entry.type === "file" ? resolved.path : undefined;
}

/** A text file's content; undefined where there is none. */
export async function readText(source: FileSource, path: string): Promise<string | undefined> {
  const file = await resolveFile(source, path);
  return file === undefined ? undefined : new TextDecoder().decode(await source.read(file));
}

/** The paths of a directory's entries, sorted; none where it is missing. */
export async function listFolder(source: FileSource, path: string): Promise<string[]> {
  const resolved = await resolvePath(source, path);
  if (resolved?.entry.type !== "directory") return [];
  const names = await source.list(resolved.path);
  return [...names].sort().map((name) => `${path}/${name}`);
}
