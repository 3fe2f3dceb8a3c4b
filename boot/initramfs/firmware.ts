import { readModule } from "./module_content.ts";
import { isElf, readSection } from "./elf.ts";
import { type FileSource, listFolder, resolveFile } from "./file_source.ts";

/** The kernel tries a file's plain name first (drivers/base/firmware_loader/main.c). */
const SUFFIXES = ["", ".zst", ".xz"];

/**
 * Finds the firmware files that modules name, plain or compressed.
 *
 * @param modules absolute paths
 * @returns absolute paths; nothing for a file that the source lacks
 */
export async function findFirmware(
  source: FileSource,
  { modules, release }: { modules: readonly string[]; release: string },
): Promise<string[]> {
  // in the order in which the kernel searches them
  const roots = [
    `/lib/firmware/updates/${release}`,
    "/lib/firmware/updates",
    `/lib/firmware/${release}`,
    "/lib/firmware",
  ];
  if ((await Promise.all(roots.map((root) => listFolder(source, root)))).flat().length === 0) return [];
  const named = new Set<string>();
  for (const module of modules) {
    const content = await readModule(source, module);
    if (content !== undefined) { for (const name of firmwareOf(content)) named.add(name); }
  }
  const found: string[] = [];
  for (const name of named) {
    const candidates = roots.flatMap((root) => SUFFIXES.map((suffix) => `${root}/${name}${suffix}`));
    for (const path of candidates) {
      if (await resolveFile(source, path) === undefined) continue;
      found.push(path);
      break;
    }
  }
  return found.sort();
}

/** The `firmware=` entries of a module's .modinfo, which holds NUL-terminated `key=value` strings. */
function firmwareOf(module: Uint8Array): string[] {
  const modinfo = isElf(module) ? readSection(module, ".modinfo") : undefined;
  if (modinfo === undefined) return [];
  return new TextDecoder().decode(modinfo).split("\0")
    .filter((line) => line.startsWith("firmware="))
    .map((line) => line.slice("firmware=".length))
    .filter((name) => name !== "" && !name.startsWith("/") && !name.split("/").includes(".."));
}
