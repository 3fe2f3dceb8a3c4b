/** Programs on an EFI system partition. */
import { ARCHITECTURES } from "#contract/architectures.ts";
import type { TreeReader } from "../tree/tree_files.ts";

/** What this machine's firmware starts if it has no entry (UEFI 2.10 §3.5.1.1). */
export const FALLBACK = `EFI/BOOT/BOOT${ARCHITECTURES[Deno.build.arch].efi.toUpperCase()}.EFI`;

/** "x64", "aa64": an ESP has programs of one architecture. */
const ENDINGS = Object.values(ARCHITECTURES).map(({ efi }) => efi);
const named = (program: string) => ENDINGS.map((ending) => `${program}${ending}.efi`);

export const SYSTEMD_BOOT_PROGRAMS = named("systemd-boot");
/** What shim starts: GRUB, and its manager of machine owner keys. */
export const SHIM_STARTS = [...named("grub"), "grub.efi", ...named("mm")];
/** In order of preference: with Secure Boot, shim starts GRUB. */
const PROGRAMS = [...named("shim"), "shim.efi", ...named("grub"), "grub.efi", ...SYSTEMD_BOOT_PROGRAMS];

/** `first`: the folder that is looked at before others. */
export async function findProgram(
  tree: TreeReader,
  { esp, first }: { esp: string; first: string },
): Promise<string | undefined> {
  const folders = (await tree.list(`${esp}/EFI`)).map((path) => path.slice(path.lastIndexOf("/") + 1));
  const rank = (name: string) => Number(name.toLowerCase() !== first.toLowerCase());
  for (
    const folder of folders.filter((n) => !/^(boot|linux|microsoft)$/i.test(n)).sort((a, b) =>
      rank(a) - rank(b)
    )
  ) {
    const names = (await tree.list(`${esp}/EFI/${folder}`)).map((path) =>
      path.slice(path.lastIndexOf("/") + 1)
    );
    for (const program of PROGRAMS) {
      const name = names.find((n) => n.toLowerCase() === program);
      if (name !== undefined) return `EFI/${folder}/${name}`;
    }
  }
  return undefined;
}

/** Paths of the unified kernel images, the newest version first. */
export async function unifiedKernels(tree: TreeReader, esp: string): Promise<string[]> {
  const images = (await tree.list(`${esp}/EFI/Linux`)).filter((path) => /\.efi$/i.test(path));
  return images.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
}
