/** The files that an arm64 node boots: Debian's own kernel and tools of that architecture, and the product for it. */
import { dirname } from "node:path";
import { buildAgentSegment } from "../../boot/initramfs/agent_segment.ts";
import { directorySource } from "../../boot/initramfs/directory_source.ts";
import { buildImageSegment, listKernels } from "../../boot/initramfs/image_segment.ts";
import { kernelCompression } from "../../boot/initramfs/segment.ts";
import { run } from "../../scripts/build/command.ts";
import { madeOnce } from "../../scripts/lab/made_once.ts";
import { sourceFor } from "../../server/boot_files/agent_segments.ts";
import type { ServedImage } from "./boot_service.ts";

export const arm64ImageNeeds = { programs: ["debootstrap", "dpkg-deb", "tar", "depmod"] };

const tree = new URL("../../.cache/test-arm64", import.meta.url).pathname;
const PACKAGES = ["linux-image-cloud-arm64", "kmod", "iproute2", "e2fsprogs", "dosfstools", "fdisk"];

/** The kernel alone, with an initramfs that is none. */
export async function arm64Kernel(folder: string): Promise<ServedImage> {
  const root = await arm64Tree();
  const [release = ""] = await listKernels(await directorySource(root));
  const initramfs = `${folder}/initramfs`;
  await Deno.writeFile(initramfs, new Uint8Array(4));
  return { architecture: "aarch64", kernel: `${root}/boot/vmlinuz-${release}`, initramfs: [initramfs] };
}

/** @param product Rackseed's program for arm64 */
export async function arm64BootImage(folder: string, { product }: { product: string }): Promise<ServedImage> {
  const root = await arm64Tree(), source = await directorySource(root);
  const [kernelRelease = ""] = await listKernels(source);
  const compression = await kernelCompression(source, kernelRelease), level = 3;
  const { kernelPath, segment } = await buildImageSegment({
    source,
    kernelRelease,
    uses: new Set(["ext", "vfat", "swap"] as const),
    output: `${folder}/image.img`,
    compression,
    level,
  });
  const agent = await buildAgentSegment({
    product,
    source: await sourceFor("aarch64", { product }),
    output: `${folder}/agent.img`,
    compression,
    level,
  });
  const initramfs = [agent.path, segment.path];
  return { architecture: "aarch64", kernel: `${root}${kernelPath}`, initramfs };
}

/** No program of the tree is run, so that this needs no arm64 machine: packages are unpacked, and not set up. */
async function arm64Tree(): Promise<string> {
  await Deno.mkdir(dirname(tree), { recursive: true });
  await madeOnce(tree, async (part) => {
    const include = `--include=${PACKAGES.join()}`;
    await run(["debootstrap", "--foreign", "--arch=arm64", "--variant=minbase", include, "bookworm", part]);
    const unpack = 'for deb in "$0"/var/cache/apt/archives/*.deb; do' +
      ' dpkg-deb --fsys-tarfile "$deb" | tar --keep-directory-symlink -xpf - -C "$0"; done';
    await run(["sh", "-ec", unpack, part]);
    await run(["rm", "-rf", `${part}/var/cache/apt/archives`]);
    for await (const { name } of Deno.readDir(`${part}/lib/modules`)) await run(["depmod", "-b", part, name]);
  });
  return tree;
}
