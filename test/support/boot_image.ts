/**
 * The files that a node boots, made of real parts without a complete image: Debian's cloud kernel from its package,
 * this machine's own tools, and a stand-in for the product that reports what works.
 */
import { buildAgentSegment } from "../../boot/initramfs/agent_segment.ts";
import { directorySource } from "../../boot/initramfs/directory_source.ts";
import type { FileSource } from "../../boot/initramfs/file_source.ts";
import { buildImageSegment, listKernels } from "../../boot/initramfs/image_segment.ts";
import { type Compression, kernelCompression, type Segment } from "../../boot/initramfs/segment.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { CODE_CACHE, codeCacheOf } from "../../server/boot_files/code_cache.ts";
import { findCompiler } from "../../scripts/build/base_runtime.ts";
import { run } from "../../scripts/build/command.ts";
import { compileBundle } from "../../scripts/build/compile.ts";
import type { ServedImage } from "./boot_service.ts";
import { narrowed } from "./narrowed_kernel.ts";

export const bootImageNeeds = {
  programs: ["apt-get", "dpkg-deb", "depmod", "mkfs.ext4", "mkfs.vfat", "sfdisk"],
};

const cache = new URL("../../.cache", import.meta.url).pathname;

interface BootImage {
  readonly kernel: string;
  readonly agent: Segment;
  readonly image: Segment;
  readonly moduleCount: number;
}

/** The stand-in prints this line if everything it tried has succeeded. */
export const standInLine = "The stand-in agent has done all its work.";

/** Debian's packages of kernels for x86-64. */
const KERNEL_PACKAGES = ["linux-image-cloud-amd64", "linux-image-amd64"] as const;
type KernelPackage = typeof KERNEL_PACKAGES[number];

export function kernelPackageOf(name: string): KernelPackage {
  const found = KERNEL_PACKAGES.find((known) => known === name);
  if (found === undefined) throw new Error(`"${name}" is none of these: ${KERNEL_PACKAGES.join(", ")}`);
  return found;
}

interface ImageSegmentOptions {
  readonly level?: number;
  readonly kernelPackage?: KernelPackage;
  /** Names of the only drivers that the initramfs gets, besides what they need. */
  readonly drivers?: readonly string[] | undefined;
}

interface BootImageOptions {
  /** The agent; without it a stand-in that prints `standInLine`. */
  readonly product?: string;
  readonly level?: number;
  /** Files for the agent, besides itself. */
  readonly more?: readonly { readonly path: string; readonly bytes: Uint8Array }[];
}

export async function makeBootImage(
  folder: string,
  { product, level = 3, more = [] }: BootImageOptions = {},
): Promise<BootImage> {
  const { compression, ...image } = await makeImageSegment(folder, { level });
  const agent = await buildAgentSegment({
    product: product ?? await standIn(folder),
    more,
    source: await directorySource("/"),
    output: `${folder}/agent.img`,
    compression,
    level,
  });
  return { ...image, agent };
}

/** The product's compiled code, as a file for its agent. Starts the product. */
export async function compiledCode(product: string): Promise<{ path: string; bytes: Uint8Array }[]> {
  const scratch = await Deno.makeTempDir({ prefix: "compiled-" });
  try {
    const bytes = await codeCacheOf(product, { scratch });
    return bytes === undefined ? [] : [{ path: CODE_CACHE, bytes }];
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

let agentImageMade: Promise<ServedImage> | undefined;

/** Kernel and initramfs with the product's agent, made once for all tests of a process. */
export function agentImage(): Promise<ServedImage> {
  return agentImageMade ??= makeAgentImage();
}

async function makeAgentImage(): Promise<ServedImage> {
  const folder = await Deno.makeTempDir({ prefix: "agent-image-" });
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const product = await ensureProduct(), more = await compiledCode(product);
  const { kernel, agent, image } = await makeBootImage(folder, { product, more });
  return { kernel, initramfs: [agent.path, image.path] };
}

/** The same without the agent's part. */
export async function makeImageSegment(
  folder: string,
  { level = 3, kernelPackage = "linux-image-cloud-amd64", drivers }: ImageSegmentOptions = {},
): Promise<Omit<BootImage, "agent"> & { readonly compression: Compression }> {
  const tree = await kernelTree(kernelPackage), whole = await directorySource(tree);
  const [kernelRelease = ""] = await listKernels(whole);
  const kernel = drivers ? await narrowed(whole, { release: kernelRelease, drivers }) : whole;
  const source = layered(kernel, await directorySource("/"));
  const compression = await kernelCompression(source, kernelRelease);
  const { kernelPath, segment, moduleCount, missing } = await buildImageSegment({
    source,
    kernelRelease,
    uses: new Set(["ext", "vfat", "swap"] as const),
    output: `${folder}/image.img`,
    compression,
    level,
  });
  if (missing.length > 0) throw new Error(`this machine lacks ${missing.map(({ name }) => name).join(", ")}`);
  return { kernel: `${tree}${kernelPath}`, image: segment, moduleCount, compression };
}

/** The path of a kernel alone. */
export async function cloudKernel(): Promise<string> {
  const tree = await kernelTree("linux-image-cloud-amd64");
  for await (const { name } of Deno.readDir(`${tree}/boot`)) {
    if (name.startsWith("vmlinuz-")) return `${tree}/boot/${name}`;
  }
  throw new Error(`${tree}/boot has no kernel`);
}

/** The tree of the kernel's package, with modules.dep, which installing the package would create. */
async function kernelTree(kernelPackage: KernelPackage): Promise<string> {
  const isCloud = kernelPackage === "linux-image-cloud-amd64";
  const folder = `${cache}/${isCloud ? "test-cloud-kernel" : "test-kernel"}`;
  const tree = `${folder}/tree`;
  if (await Deno.stat(tree).then(() => true, () => false)) return tree;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const staged = `${folder}/staged`;
  await Deno.mkdir(staged, { recursive: true });
  const relations = await run(["apt-cache", "depends", kernelPackage]);
  const name = /Depends: (linux-image-\S+)/.exec(relations)?.[1];
  if (name === undefined) throw new Error(`${kernelPackage} names no kernel: ${relations}`);
  await run(["apt-get", "download", name], { cwd: folder });
  for await (const { name: file } of Deno.readDir(folder)) {
    if (file.endsWith(".deb")) await run(["dpkg-deb", "-x", `${folder}/${file}`, staged]);
  }
  // As on a merged-/usr system: /lib is a link there, and must not be a folder here.
  await Deno.mkdir(`${staged}/usr`, { recursive: true });
  await Deno.rename(`${staged}/lib`, `${staged}/usr/lib`);
  await Deno.symlink("usr/lib", `${staged}/lib`);
  await run(["depmod", "-b", staged, name.replace("linux-image-", "")]);
  await Deno.remove(`${staged}/lib`);
  await Deno.symlink("usr/lib", `${staged}/lib`);
  await Deno.rename(staged, tree);
  return tree;
}

/** Looks in the first source, then in the second. */
function layered(first: FileSource, second: FileSource): FileSource {
  return {
    lookup: async (path) => await first.lookup(path) ?? await second.lookup(path),
    read: async (path) => await (await first.lookup(path) === undefined ? second : first).read(path),
    list: async (path) => {
      const lists = await Promise.all(
        [first, second].map(async (source) =>
          (await source.lookup(path))?.type === "directory" ? await source.list(path) : []
        ),
      );
      return [...new Set(lists.flat())];
    },
  };
}

/** A program that uses what the agent uses: arguments, FFI, disk tools, kernel modules, and power-off. */
const standInCode = `
const line = (text) => console.log("stand-in: " + text);
const run = (program, ...args) => {
  const { code, stdout, stderr } = new Deno.Command(program, {
    args, clearEnv: true, env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  }).outputSync();
  const text = new TextDecoder().decode(code === 0 ? stdout : stderr).trim();
  if (code !== 0) throw new Error([program, ...args].join(" ") + " exited " + code + ": " + text);
  return text;
};
const libc = Deno.dlopen("libc.so.6", {
  getpid: { parameters: [], result: "i32" }, reboot: { parameters: ["i32"], result: "i32" },
});
try {
  line("arguments " + Deno.args.join(" ") + ", pid " + libc.symbols.getpid() + ", " + Deno.execPath());
  line("command line " + Deno.readTextFileSync("/proc/cmdline").trim());
  run("modprobe", "-a", "virtio_pci", "virtio_blk", "virtio_net", "ext4", "vfat", "nls_ascii", "xfs");
  line("links " + run("ip", "-o", "link").split("\\n").length);
  line("disks " + run("lsblk", "-J").replaceAll(/\\s/g, ""));
  run("mkfs.ext4", "-q", "-F", "/dev/vda");
  run("mount", "/dev/vda", "/mnt");
  line("blkid " + run("blkid", "-o", "value", "-s", "TYPE", "/dev/vda"));
  line("memory " + /MemAvailable: *(\\d+)/.exec(Deno.readTextFileSync("/proc/meminfo"))[1] + " KiB free");
  run("umount", "/mnt");
  console.log("${standInLine}");
} catch (error) { console.log("stand-in failed: " + error); }
libc.symbols.reboot(0x4321fedc);
`;

async function standIn(folder: string): Promise<string> {
  const bundle = `${folder}/stand-in`;
  await Deno.mkdir(bundle, { recursive: true });
  await Deno.writeTextFile(`${bundle}/main.js`, standInCode);
  const output = `${folder}/rackseed`;
  await compileBundle(bundle, { include: [], unstable: [], compiler: await findCompiler({ cache }), output });
  return output;
}
