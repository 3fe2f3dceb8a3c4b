/** The programs on the clone's EFI system partition that the firmware starts. */
import { RackseedError } from "#contract/errors.ts";
import type { BootFacts } from "#contract/format/boot.ts";
import { FALLBACK, findProgram, SHIM_STARTS, unifiedKernels } from "../../boot_config/esp_programs.ts";
import type { CloneTree, TreeReader } from "../../tree/tree_files.ts";
import { TITLE } from "./in_clone.ts";

/** The program that the firmware's entry names, relative to the ESP. */
export async function loaderProgram(
  tree: TreeReader,
  { esp, facts, distribution }: { esp: string; facts: BootFacts; distribution: string },
): Promise<string> {
  if (facts.loader === "uki") return (await unifiedKernels(tree, esp))[0]?.slice(esp.length + 1) ?? FALLBACK;
  const { program } = facts;
  if (program !== undefined && await tree.kind(`${esp}/${program}`) === "file") return program;
  return await findProgram(tree, {
    esp,
    first: facts.loader === "systemd-boot" ? "systemd" : distribution,
  }) ?? FALLBACK;
}

/**
 * Without a fallback the node starts only as long as the firmware keeps its entry. Signed loaders of packages bring
 * theirs; if that is missing, shim and GRUB are copied, since GRUB has its own folder built in.
 */
export async function proveFallback(
  clone: CloneTree,
  { esp, facts }: { esp: string; facts: BootFacts },
): Promise<void> {
  if (await clone.kind(`${esp}/${FALLBACK}`) === "file") return;
  const program = facts.packaged ? facts.program : undefined;
  if (program === undefined || await clone.kind(`${esp}/${program}`) !== "file") {
    throw new RackseedError(TITLE, {
      reason: `there is no ${FALLBACK} on ${esp}.`,
      remedy:
        "reinstall the template's boot loader (grub-install --removable, bootctl install) and capture it again.",
    });
  }
  const folder = `${esp}/${program.slice(0, program.lastIndexOf("/"))}`;
  for (const path of await clone.list(folder)) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const from = SHIM_STARTS.includes(name.toLowerCase()) ? await clone.file(path) : undefined;
    if (from !== undefined) await clone.replace(`${esp}/EFI/BOOT/${name}`, (at) => Deno.copyFile(from, at));
  }
  const from = await clone.file(`${esp}/${program}`);
  if (from !== undefined) await clone.replace(`${esp}/${FALLBACK}`, (at) => Deno.copyFile(from, at));
}
