import { ARCHITECTURES } from "#contract/architectures.ts";
import { type Elf, isElf, parseElf } from "./elf.ts";
import { type FileSource, listFolder, readText, resolveFile } from "./file_source.ts";

/** What a set of programs needs to run. */
interface LibraryClosure {
  /** Library name → path where the dynamic loader finds it, with links unresolved. */
  readonly libraries: ReadonlyMap<string, string>;
  /** Dynamic loaders (PT_INTERP) and script interpreters. */
  readonly interpreters: ReadonlySet<string>;
  /** Libraries that are in none of the search paths. */
  readonly missing: ReadonlySet<string>;
}

/**
 * The folders of Debian and Fedora that ld.so searches without ld.so.conf: an image has one of the first, named after its
 * architecture.
 */
export const builtInFolders = [
  ...Object.values(ARCHITECTURES).flatMap(({ triplet }) => [`/lib/${triplet}`, `/usr/lib/${triplet}`]),
  "/lib64",
  "/usr/lib64",
  "/lib",
  "/usr/lib",
];

/** Finds the shared libraries of all `programs` in ld.so's order: RPATH or RUNPATH, then the system's folders. */
export async function findLibraries(source: FileSource, programs: Iterable<string>): Promise<LibraryClosure> {
  const system = [...await configuredFolders(source), ...builtInFolders];
  const libraries = new Map<string, string>();
  const interpreters = new Set<string>();
  const missing = new Set<string>();
  const queue = [...programs];
  const seen = new Set(queue);
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const file = await resolveFile(source, path);
    if (file === undefined) continue;
    const bytes = await source.read(file);
    const script = scriptInterpreter(bytes);
    const elf = isElf(bytes) ? parseElf(bytes) : undefined;
    const interpreter = script ?? elf?.interpreter?.path;
    if (interpreter !== undefined) {
      interpreters.add(interpreter);
      enqueue(interpreter);
    }
    for (const name of elf?.needed ?? []) {
      if (libraries.has(name)) continue;
      const found = elf === undefined ? undefined : await search(name, ownFolders(elf, file));
      if (found === undefined) missing.add(name);
      else {
        libraries.set(name, found);
        enqueue(found);
      }
    }
  }
  return { libraries, interpreters, missing };

  function enqueue(path: string): void {
    if (!seen.has(path)) queue.push(path);
    seen.add(path);
  }

  async function search(name: string, own: readonly string[]): Promise<string | undefined> {
    if (name.startsWith("/")) return name;
    for (const folder of [...own, ...system]) {
      const path = `${folder}/${name}`;
      if (await resolveFile(source, path) !== undefined) return path;
    }
    return undefined;
  }
}

/** RPATH counts only if there is no RUNPATH. */
function ownFolders(elf: Elf, file: string): string[] {
  const origin = file.slice(0, file.lastIndexOf("/"));
  const folders = elf.runpath.length > 0 ? elf.runpath : elf.rpath;
  return folders.map((folder) => folder.replaceAll(/\$(?:ORIGIN\b|\{ORIGIN\})/g, origin));
}

/** `#!/bin/sh -e` → `/bin/sh`. */
function scriptInterpreter(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return undefined;
  return /^#!\s*(\/\S+)/.exec(new TextDecoder().decode(bytes.subarray(0, 256)))?.[1];
}

/** The folders in /etc/ld.so.conf and its includes, ldconfig(8). Debian and Fedora only include `FOLDER/*.conf`. */
async function configuredFolders(source: FileSource, path = "/etc/ld.so.conf", depth = 0): Promise<string[]> {
  const folders: string[] = [];
  for (const raw of (await readText(source, path) ?? "").split("\n")) {
    const line = raw.replace(/#.*/, "").trim();
    const include = /^include\s+(\S+)$/.exec(line)?.[1];
    if (include === undefined) {
      if (line.startsWith("/")) folders.push(line.replace(/\/$/, ""));
    } else if (depth < 4) {
      for (const file of await expand(source, include.startsWith("/") ? include : `/etc/${include}`)) {
        folders.push(...await configuredFolders(source, file, depth + 1));
      }
    }
  }
  return folders;
}

async function expand(source: FileSource, pattern: string): Promise<string[]> {
  if (!pattern.endsWith("/*.conf")) return [pattern];
  return (await listFolder(source, pattern.slice(0, -"/*.conf".length))).filter((path) =>
    path.endsWith(".conf")
  );
}
