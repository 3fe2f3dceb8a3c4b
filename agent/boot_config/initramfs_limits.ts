/**
 * What the image's own programs cannot do for a clone: make its initramfs again, or bind a volume to its TPM. Found at
 * capture, since an installation needs them only once the disks are overwritten.
 */
import type { BootFacts } from "#contract/format/boot.ts";
import { findProgramFile, hasProgram } from "../tree/programs.ts";
import type { TreeReader } from "../tree/tree_files.ts";
import { unifiedTexts } from "./boot_texts.ts";
import { mkinitcpioHooks } from "./initramfs_program.ts";
import { flavourImages, initramfsImages, kernelReleases, unifiedImages } from "./kernels.ts";

export async function initramfsLimits(
  tree: TreeReader,
  { initramfs }: Pick<BootFacts, "initramfs">,
): Promise<Pick<BootFacts, "noRemake" | "noTpm">> {
  const noRemake = await remakeObstacle(tree, initramfs), noTpm = await tpmObstacle(tree, initramfs);
  return {
    ...(noRemake !== undefined && { noRemake: noRemake.slice(0, 300) }),
    ...(noTpm !== undefined && { noTpm: noTpm.slice(0, 300) }),
  };
}

async function remakeObstacle(
  tree: TreeReader,
  program: BootFacts["initramfs"],
): Promise<string | undefined> {
  switch (program) {
    case "initramfs-tools":
      return await initramfsToolsObstacle(tree);
    case "dracut":
      return await dracutObstacle(tree);
    case "mkinitcpio":
      return await mkinitcpioObstacle(tree);
    case "mkinitfs":
      return (await flavourImages(tree)).length > 0
        ? undefined
        : "mkinitfs finds no /boot/initramfs-FLAVOUR of a kernel in /lib/modules";
    case "none":
      return "no program that makes one is installed (initramfs-tools, dracut, mkinitcpio, mkinitfs)";
  }
}

/** `update-initramfs -u -k all` takes what has such a name, and is content with nothing. */
async function initramfsToolsObstacle(tree: TreeReader): Promise<string | undefined> {
  if (!await hasProgram(tree, "update-initramfs")) return "update-initramfs is not installed";
  for (const release of await kernelReleases(tree)) {
    if (await tree.kind(`/boot/initrd.img-${release}`) === "file") return undefined;
  }
  return "update-initramfs finds no /boot/initrd.img-RELEASE of a kernel in /lib/modules";
}

async function dracutObstacle(tree: TreeReader): Promise<string | undefined> {
  const unified = (await unifiedTexts(tree)).map(({ path }) => path);
  const known = await unifiedImages(tree, unified);
  const strange = unified.find((path) => !known.some((image) => image.path === path));
  if (strange !== undefined) return `no kernel in /lib/modules is that of ${strange}`;
  if (known.length > 0 || (await initramfsImages(tree)).length > 0) return undefined;
  return "none is named by its kernel's release (/boot/initramfs-RELEASE.img), and no boot entry leads from a kernel " +
    "in /lib/modules to one";
}

/** `mkinitcpio -P` makes what its presets name, and fails without any. */
async function mkinitcpioObstacle(tree: TreeReader): Promise<string | undefined> {
  const presets = (await tree.list("/etc/mkinitcpio.d")).filter((path) => path.endsWith(".preset"));
  return presets.length > 0 ? undefined : "mkinitcpio has no preset in /etc/mkinitcpio.d";
}

/** Those that systemd-cryptenroll(1) opens at run time. */
const TPM_LIBRARIES = ["libtss2-esys", "libtss2-rc", "libtss2-mu", "libtss2-tcti-device"];
const MAX_PROGRAM_BYTES = 8 << 20;

async function tpmObstacle(tree: TreeReader, program: BootFacts["initramfs"]): Promise<string | undefined> {
  const enrol = await findProgramFile(tree, "systemd-cryptenroll");
  if (enrol === undefined) return "systemd-cryptenroll is not installed";
  const code = await tree.bytes(enrol, { maxBytes: MAX_PROGRAM_BYTES });
  if (code !== undefined && !Buffer.from(code).includes("unlock-key-file")) {
    return "its systemd-cryptenroll is older than 252, and takes no key from a file";
  }
  const libraries = new Set(await libraryNames(tree));
  const missing = TPM_LIBRARIES.filter((name) =>
    ![...libraries].some((file) => file.startsWith(`${name}.so`))
  );
  if (missing.length > 0) return `${missing.join(", ")} is not installed`;
  if (program === "dracut") {
    const modules = await tree.list("/usr/lib/dracut/modules.d");
    return modules.some((path) => /\/\d+tpm2-tss$/.test(path))
      ? undefined
      : "its dracut has no module tpm2-tss";
  }
  return program === "mkinitcpio" && !(await mkinitcpioHooks(tree)).includes("sd-encrypt")
    ? "the hook sd-encrypt is not among the HOOKS of mkinitcpio.conf"
    : undefined;
}

async function libraryNames(tree: TreeReader): Promise<string[]> {
  const top = ["/usr/lib", "/usr/lib64", "/lib", "/lib64"];
  const found = (await Promise.all(top.map((folder) => tree.list(folder)))).flat();
  const below = found.filter((path) => path.endsWith("-linux-gnu"));
  const nested = (await Promise.all(below.map((folder) => tree.list(folder)))).flat();
  return [...found, ...nested].map((path) => path.slice(path.lastIndexOf("/") + 1));
}
