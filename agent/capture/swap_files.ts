/** Finds the machine's swap files: captures leave out their contents, and clones create them again. */
import type { SwapFile } from "#contract/format/layout.ts";
import { parseSwapFiles } from "../disk_references/fstab.ts";
import { probeDevice } from "../sys/blkid.ts";
import type { Run } from "../sys/command.ts";
import type { TreeReader } from "../tree/tree_files.ts";
import { parseBlkid } from "../layout/partition_table.ts";

const MAX_FILES = 64;
/** mkswap(8) requires ten pages. */
const MIN_SWAP_BYTES = 40_960;

/** `inUse`: the text of /proc/swaps, if the machine is running. */
export async function findSwapFiles(
  tree: TreeReader,
  { inUse = "", run }: { inUse?: string | undefined; run: Run },
): Promise<SwapFile[]> {
  const units = (await tree.list("/etc/systemd/system")).filter((path) => path.endsWith(".swap"));
  const texts = await Promise.all(units.map((path) => tree.text(path)));
  const paths = new Set([
    ...parseSwapFiles(await tree.text("/etc/fstab") ?? ""),
    ...texts.flatMap((text) => /^[ \t]*What[ \t]*=[ \t]*(\/(?!dev\/)\S+)/m.exec(text ?? "")?.[1] ?? []),
    ...dphysSwapFile(await tree.text("/etc/dphys-swapfile")),
    ...filesInUse(inUse),
  ]);
  const found: SwapFile[] = [];
  for (const path of [...paths].slice(0, MAX_FILES)) {
    const at = await tree.file(path);
    if (at === undefined) continue;
    const { size } = await Deno.lstat(at);
    if (size < MIN_SWAP_BYTES) continue;
    const facts = parseBlkid(await probeDevice(at, { run }));
    const isSwap = facts.get("TYPE") === "swap";
    const uuid = isSwap ? facts.get("UUID") : undefined, label = isSwap ? facts.get("LABEL") : undefined;
    found.push({ path, sizeBytes: size, ...(uuid && { uuid }), ...(label && { label }) });
  }
  return found;
}

/** dphys-swapfile(8) creates its file at boot, unless one of the right size exists. */
function dphysSwapFile(config: string | undefined): string[] {
  if (config === undefined) return [];
  return [/^[ \t]*CONF_SWAPFILE=["']?(\/[^\s"'#]+)/m.exec(config)?.[1] ?? "/var/swap"];
}

/** Parses proc_swaps(5), where blanks are octal escapes. Skips files that a daemon creates on demand. */
export function filesInUse(swaps: string): string[] {
  return swaps.split("\n").slice(1).flatMap((line) => {
    const [name = "", type] = line.split(/\s+/);
    if (type !== "file" || line.includes("\\040(deleted)")) return [];
    const path = name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    return /^\/var\/lib\/(swapspace|systemd-swap)\//.test(path) ? [] : [path];
  });
}
