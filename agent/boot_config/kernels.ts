/** Which kernel each initramfs is for: by its name, or by the boot entry that joins the two. */
import type { TreeReader } from "../tree/tree_files.ts";
import { fileOf, isBootPath } from "./boot_paths.ts";
import { bootTexts } from "./boot_texts.ts";
import { kernelVersionIn } from "./kernel_version.ts";
import { unifiedRelease } from "./unified_kernel.ts";

/** "6.1.0-13-amd64", "/boot/initramfs-6.1.0-13-amd64.img" */
export interface KernelImage {
  readonly release: string;
  readonly path: string;
}

/** The kernels that the tree has modules for, as releases. */
export async function kernelReleases(tree: TreeReader): Promise<string[]> {
  const releases: string[] = [];
  for (const folder of ["/lib/modules", "/usr/lib/modules"]) {
    for (const path of await tree.list(folder)) {
      const release = path.slice(path.lastIndexOf("/") + 1);
      if (!releases.includes(release) && await tree.kind(`${path}/modules.dep`) === "file") {
        releases.push(release);
      }
    }
    if (releases.length > 0) break;
  }
  return releases;
}

/** Each initramfs of a kernel. Rescue images serve any machine, and stay as they are. */
export async function initramfsImages(tree: TreeReader): Promise<KernelImage[]> {
  const releases = await kernelReleases(tree);
  const named = await Promise.all(releases.map((release) => namedImages(tree, release)));
  const images = new Map(named.flat().map((image) => [image.path, image]));
  for (const image of await bootedImages(tree, releases)) {
    if (!images.has(image.path)) images.set(image.path, image);
  }
  return [...images.values()];
}

async function namedImages(tree: TreeReader, release: string): Promise<KernelImage[]> {
  const fixed = [
    `/boot/initramfs-${release}.img`,
    `/boot/initrd.img-${release}`,
    `/boot/initrd-${release}`,
  ];
  const images: KernelImage[] = [];
  for (const path of [...fixed, ...await inTokenFolders(tree, release)]) {
    if (await tree.kind(path) === "file") images.push({ release, path });
  }
  return images;
}

/** kernel-install(8): "/efi/TOKEN/RELEASE/initrd" beside the kernel. */
async function inTokenFolders(tree: TreeReader, release: string): Promise<string[]> {
  const tokens = (await Promise.all(["/boot", "/boot/efi", "/efi"].map((folder) => tree.list(folder))))
    .flat();
  const found = await Promise.all(tokens.map((token) => tree.list(`${token}/${release}`)));
  return found.flat().filter((path) => /\/initrd[^/]*$/.test(path));
}

/** Images beside the one for this machine: not made for a kernel, or for another purpose. */
const OTHERS = /rescue|kdump|ucode|microcode/i;

async function bootedImages(tree: TreeReader, releases: readonly string[]): Promise<KernelImage[]> {
  const images: KernelImage[] = [];
  for (const entry of (await bootTexts(tree)).flatMap(({ text }) => text.split(/^\s*menuentry\b/m))) {
    const words = (name: RegExp) =>
      [...entry.matchAll(name)].flatMap(([, list = ""]) => list.split(/\s+/)).filter((path) =>
        isBootPath(path) && !OTHERS.test(path)
      );
    const initrds = words(/^[ \t]*initrd(?:efi|16)?[ \t]+(.+)$/gm);
    const [kernel] = words(/^[ \t]*linux(?:efi|16)?[ \t]+(\S+)/gm);
    // of several, only the person who put them together knows which is which
    if (kernel === undefined || initrds.length !== 1) continue;
    const path = await fileOf(tree, initrds[0] ?? "");
    const release = path && await releaseOf(tree, { kernel, releases });
    if (path && release) images.push({ path, release });
  }
  return images;
}

async function releaseOf(
  tree: TreeReader,
  { kernel, releases }: { kernel: string; releases: readonly string[] },
): Promise<string | undefined> {
  const at = await fileOf(tree, kernel);
  const named = releases.find((release) => at?.endsWith(`-${release}`) || at?.includes(`/${release}/`));
  const real = at === undefined ? undefined : await tree.file(at);
  if (named !== undefined || real === undefined) return named;
  using file = await Deno.open(real);
  return known(await kernelVersionIn(file), releases);
}

/** The paths of unified kernel images with their kernels. */
export async function unifiedImages(tree: TreeReader, paths: readonly string[]): Promise<KernelImage[]> {
  const releases = await kernelReleases(tree), images: KernelImage[] = [];
  for (const path of paths) {
    const at = await tree.file(path);
    const release = releases.find((name) => path.endsWith(`${name}.efi`)) ??
      known(at === undefined ? undefined : await unifiedRelease(at), releases);
    if (release !== undefined) images.push({ release, path });
  }
  return images;
}

/** The release if there are modules for it; one that nothing names can only be the only one. */
function known(release: string | undefined, releases: readonly string[]): string | undefined {
  return release === undefined
    ? releases.length === 1 ? releases[0] : undefined
    : releases.find((one) => one === release);
}

/** Images that Alpine's mkinitfs made: "6.6.8-0-lts" is the flavour "lts", whose image is /boot/initramfs-lts. */
export async function flavourImages(tree: TreeReader): Promise<KernelImage[]> {
  const images: KernelImage[] = [];
  for (const release of await kernelReleases(tree)) {
    const path = `/boot/initramfs-${release.replace(/^.*-/, "")}`;
    if (await tree.kind(path) === "file") images.push({ release, path });
  }
  return images;
}
