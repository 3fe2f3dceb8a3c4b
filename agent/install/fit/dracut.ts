/** dracut(8) of RHEL and its kin, Fedora and SUSE. */
import { messageOf } from "#contract/errors.ts";
import { unifiedTexts } from "../../boot_config/boot_texts.ts";
import { rewriteArguments } from "../../disk_references/rewrite_arguments.ts";
import { Rewriting } from "../../disk_references/rewriting.ts";
import { lockedBelowRoot, volumeArguments, volumesBelowRoot } from "./initramfs_needs.ts";
import { type InitramfsOptions, kernelReleases, TIMEOUT_MS } from "./initramfs_options.ts";
import { ownMachineId, withOwnMachineId } from "./machine_id.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

/** Entries of crypttab(5) that dracut would leave out of an initramfs for any machine. */
const CRYPTTAB = "/run/rackseed-crypttab";
const MODULES = "/usr/lib/dracut/modules.d";

export async function makeWithDracut(clone: CloneTree, options: InitramfsOptions): Promise<string[]> {
  const images = [...await imagesOf(clone), ...await unifiedImagesOf(clone, options)];
  if (images.length === 0) throw new RangeError("no initramfs that dracut made was found");
  const shared = await sharedArguments(clone, options);
  try {
    for (const image of images) await build(clone, { ...options, image, shared });
  } finally {
    await Deno.remove(CRYPTTAB).catch(() => {});
  }
  return images.map(({ path }) => path);
}

interface Image {
  readonly release: string;
  readonly path: string;
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

/** The image of each kernel, where the distribution keeps it; rescue images serve any machine, and stay. */
async function imagesOf(clone: CloneTree): Promise<Image[]> {
  const images: Image[] = [];
  for (const release of await kernelReleases(clone)) {
    const fixed = [
      `/boot/initramfs-${release}.img`,
      `/boot/initrd.img-${release}`,
      `/boot/initrd-${release}`,
    ];
    for (const path of [...fixed, ...await inTokenFolders(clone, release)]) {
      if (await clone.kind(path) === "file") images.push({ release, path });
    }
  }
  return images;
}

/** kernel-install(8): "/efi/TOKEN/RELEASE/initrd" beside the kernel. */
async function inTokenFolders(clone: CloneTree, release: string): Promise<string[]> {
  const tokens = (await Promise.all(["/boot", "/boot/efi", "/efi"].map((folder) => clone.list(folder))))
    .flat();
  const found = await Promise.all(tokens.map((token) => clone.list(`${token}/${release}`)));
  return found.flat().filter((path) => /\/initrd[^/]*$/.test(path));
}

/** Unified kernel images, with their command lines in this machine's names. */
async function unifiedImagesOf(clone: CloneTree, { disks }: InitramfsOptions): Promise<Image[]> {
  const releases = await kernelReleases(clone), own = await ownMachineId(clone);
  return (await unifiedTexts(clone)).flatMap(({ path, text }) => {
    const release = releases.find((name) => path.endsWith(`${name}.efi`));
    const commandLine = withOwnMachineId(rewriteArguments(text, new Rewriting(path, disks)), { path, own });
    return release === undefined ? [] : [{ release, path, commandLine }];
  });
}
