/** The EFI programs by which a system starts, with their signatures: what Secure Boot judges. */
import type { BootFacts } from "#contract/format/boot.ts";
import type { BootProgram } from "#contract/format/boot_program.ts";
import { RackseedError } from "#contract/errors.ts";
import { openFile } from "../../boot/tftp/tftp_file.ts";
import { shimAnchors, signaturesOf } from "../../boot/uki/image_signatures.ts";
import type { TreeReader } from "../tree/tree_files.ts";
import { blsKernels, defaultEntry } from "./default_entry.ts";
import { FALLBACK, unifiedKernels } from "./esp_programs.ts";

/** More than any system has. */
const MAX_PROGRAMS = 32;
/** What shim starts, beside it. */
const BEHIND_SHIM = ["grubx64.efi", "grub.efi"];

interface Loader extends Pick<BootFacts, "loader" | "grubFolder" | "program"> {
  /** Mount point of the EFI system partition. */
  readonly esp: string;
}

/** In the order in which they start one another. What is missing, or no EFI program, is left out. */
export async function readBootPrograms(tree: TreeReader, loader: Loader): Promise<BootProgram[]> {
  const { esp } = loader;
  const first = [...loader.program === undefined ? [] : [`${esp}/${loader.program}`], `${esp}/${FALLBACK}`];
  const programs = await Promise.all(first.map((path) => programAt(tree, path, "firmware")));
  const [main] = programs, hasShim = main?.trusts !== undefined;
  const others = loader.loader === "grub"
    ? hasShim ? await behindShim(tree, { ...loader, folder: main.path.replace(/\/[^/]*$/, "") }) : []
    : await kernelsOf(tree, loader);
  const isGrub = loader.loader === "grub";
  const all = programs.flatMap((one): BootProgram[] =>
    one === undefined ? [] : [isGrub && one.trusts === undefined ? { ...one, needsShim: true } : one]
  );
  return [...all, ...others].slice(0, MAX_PROGRAMS);
}

/** GRUB, and the kernel that it starts by itself. */
async function behindShim(tree: TreeReader, { folder, ...loader }: Loader & { folder: string }) {
  const beside = await tree.list(folder);
  const grub =
    BEHIND_SHIM.flatMap((name) =>
      beside.find((path) => path.slice(folder.length + 1).toLowerCase() === name) ?? []
    )[0];
  const kernel = await defaultEntry(tree, loader).catch((error) => {
    if (error instanceof RackseedError) return undefined; // only GRUB knows which
    throw error;
  });
  const paths = [...grub === undefined ? [] : [grub], ...kernel?.kind === "files" ? [kernel.kernel] : []];
  return (await Promise.all(paths.map((path) => programAt(tree, path, "shim")))).flatMap((one) => one ?? []);
}

/** Kernels that the firmware starts: unified ones, and those of boot entries. */
async function kernelsOf(tree: TreeReader, { esp, loader }: Loader): Promise<BootProgram[]> {
  const paths = new Set(await unifiedKernels(tree, esp));
  if (loader === "systemd-boot") { for (const path of await blsKernels(tree)) paths.add(path); }
  const found = await Promise.all([...paths].map((path) => programAt(tree, path, "firmware")));
  return found.flatMap((one) => one ?? []);
}

async function programAt(
  tree: TreeReader,
  path: string,
  checkedBy: BootProgram["checkedBy"],
): Promise<BootProgram | undefined> {
  const at = await tree.file(path);
  if (at === undefined) return undefined;
  const file = openFile(at);
  try {
    const trusts = shimAnchors(file, { name: path });
    return { path, checkedBy, ...signaturesOf(file, { name: path }), ...(trusts && { trusts }) };
  } catch (error) {
    if (error instanceof RackseedError) return undefined;
    throw error;
  } finally {
    file.close?.();
  }
}
