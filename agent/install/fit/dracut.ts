/** dracut(8) of RHEL and its kin, Fedora and SUSE. */
import { messageOf } from "#contract/errors.ts";
import { unifiedTexts } from "../../boot_config/boot_texts.ts";
import { initramfsImages, type KernelImage, unifiedImages } from "../../boot_config/kernels.ts";
import { rewriteArguments } from "../../disk_references/rewrite_arguments.ts";
import { Rewriting } from "../../disk_references/rewriting.ts";
import { ownMachineId, withOwnMachineId } from "../../boot_config/machine_id.ts";
import { lockedBelowRoot, volumeArguments, volumesBelowRoot } from "../../boot_config/initramfs_needs.ts";
import { type InitramfsOptions, TIMEOUT_MS } from "./initramfs_options.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

/** Entries of crypttab(5) that dracut would leave out of an initramfs for any machine. */
const CRYPTTAB = "/run/rackseed-crypttab";
const MODULES = "/usr/lib/dracut/modules.d";

export async function makeWithDracut(clone: CloneTree, options: InitramfsOptions): Promise<string[]> {
  const images = [...await initramfsImages(clone), ...await unifiedImagesOf(clone, options)];
  if (images.length === 0) throw new RangeError("no initramfs that dracut made was found");
  const shared = await sharedArguments(clone, options);
  try {
    for (const image of images) await build(clone, { ...options, image, shared });
  } finally {
    await Deno.remove(CRYPTTAB).catch(() => {});
  }
  return images.map(({ path }) => path);
}

interface Image extends KernelImage {
  /** Of a unified kernel image: its command line, as it is on this machine. */
  readonly commandLine?: string;
}

async function build(
  clone: CloneTree,
  { image: { release, path, commandLine }, shared, disks, drivers, run, signal }: InitramfsOptions & {
    readonly image: Image;
    readonly shared: readonly string[];
  },
): Promise<void> {
  const available = await availableDrivers(clone, { release, wanted: drivers });
  const given = commandLine?.split(/\s+/) ?? [];
  const words = [...given, ...volumeArguments(disks).filter((word) => !given.includes(word))].join(" ");
  const make = (hostOnly: string) =>
    run([
      ...["dracut", "--force", hostOnly, ...commandLine === undefined ? [] : ["--uefi"]] as const,
      ...shared,
      ...words === "" ? [] : ["--kernel-cmdline", words],
      ...available.length > 0 ? ["--add-drivers", available.join(" ")] : [],
      ...["--kver", release, path],
    ], { root: clone.root, signal, timeoutMs: TIMEOUT_MS, title: `cannot make ${path}` });
  try {
    await make("--no-hostonly");
  } catch (error) {
    signal?.throwIfAborted();
    // with the drivers of all machines it may not fit into /boot
    if (!/No space left/i.test(messageOf(error))) throw error;
    await make("--hostonly");
  }
}

async function sharedArguments(clone: CloneTree, { disks }: InitramfsOptions): Promise<string[]> {
  const modules = await availableModules(clone, neededModules(disks));
  const locked = lockedBelowRoot(disks);
  const keyFiles = locked.flatMap((name) => disks.clone.unlock?.get(name)?.keyFile ?? []);
  const crypttab = (await clone.text("/etc/crypttab") ?? "").split("\n")
    .filter((line) => locked.includes(/^\s*(\S+)/.exec(line)?.[1] ?? ""));
  // /run is the same inside and outside of the clone's tree
  if (crypttab.length > 0) await Deno.writeTextFile(CRYPTTAB, `${crypttab.join("\n")}\n`, { mode: 0o600 });
  return [
    ...modules.length > 0 ? ["--add", modules.join(" ")] : [],
    ...crypttab.length > 0 ? ["--include", CRYPTTAB, "/etc/crypttab"] : [],
    ...keyFiles.length > 0 ? ["--install", keyFiles.join(" ")] : [],
  ];
}

function neededModules(disks: InitramfsOptions["disks"]): string[] {
  const kinds = new Set(volumesBelowRoot(disks).map(({ kind }) => kind));
  const root = disks.layout.fileSystems.find(({ mountPoint }) => mountPoint === "/");
  const byTpm = lockedBelowRoot(disks).some((name) => disks.clone.unlock?.get(name)?.way === "tpm2");
  return [
    ...kinds.has("md") ? ["mdraid"] : [],
    ...kinds.has("lv") ? ["lvm"] : [],
    ...kinds.has("luks") ? ["crypt"] : [],
    ...byTpm ? ["tpm2-tss"] : [],
    ...root?.type === "btrfs" ? ["btrfs"] : [],
  ];
}

/** Asking for a module that is not installed makes dracut fail. */
async function availableModules(clone: CloneTree, wanted: readonly string[]): Promise<string[]> {
  const installed = (await clone.list(MODULES)).map((path) => path.slice(path.lastIndexOf("/") + 1));
  return wanted.filter((name) => installed.some((folder) => folder.replace(/^\d+/, "") === name));
}

async function availableDrivers(
  clone: CloneTree,
  { release, wanted }: { release: string; wanted: readonly string[] },
): Promise<string[]> {
  const list = await clone.text(`/lib/modules/${release}/modules.dep`) ??
    await clone.text(`/usr/lib/modules/${release}/modules.dep`) ?? "";
  const names = new Set(
    [...list.matchAll(/([^/\s]+)\.ko(?:\.\w+)?:/g)].map(([, name = ""]) => name.replaceAll("-", "_")),
  );
  return wanted.filter((name) => names.has(name.replaceAll("-", "_")));
}

/** Unified kernel images, with their command lines in this machine's names. Throws RangeError if one has no kernel. */
async function unifiedImagesOf(clone: CloneTree, { disks }: InitramfsOptions): Promise<Image[]> {
  const texts = await unifiedTexts(clone), own = await ownMachineId(clone);
  const known = await unifiedImages(clone, texts.map(({ path }) => path));
  return texts.map(({ path, text }) => {
    const image = known.find((one) => one.path === path);
    if (image === undefined) throw new RangeError(`no kernel of the image is that of ${path}`);
    const renamed = rewriteArguments(text, new Rewriting(path, disks));
    return { ...image, commandLine: withOwnMachineId(renamed, { path, own }) };
  });
}
