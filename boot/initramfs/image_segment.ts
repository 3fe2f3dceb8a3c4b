import { kernelPackage, kernelPaths, type OsRelease } from "#contract/distributions.ts";
import { RackseedError } from "#contract/errors.ts";
import { requiredTools, type Tool, type ToolUse } from "#contract/tools.ts";
import { type FileSource, listFolder, resolveFile, resolvePath } from "./file_source.ts";
import { builtInFolders, findLibraries } from "./libraries.ts";
import { selectModules } from "./modules.ts";
import { type Segment, type SegmentOptions, writeSegment } from "./segment.ts";
import { dlopenedLibraries, optionalTools, toolConfiguration, toolFolders } from "./tools.ts";
import { InitramfsTree } from "./tree.ts";

interface ImageBoot {
  /** The path of the kernel's file in the image: `/boot/vmlinuz-6.1.0-50-amd64`. */
  readonly kernelPath: string;
  readonly segment: Segment;
  /** Tools that the installation needs but the image lacks. */
  readonly missing: readonly Tool[];
  readonly moduleCount: number;
}

interface ImageNeeds {
  readonly source: FileSource;
  readonly kernelRelease: string;
  /** Of the image's layout. */
  readonly uses: ReadonlySet<ToolUse>;
  /** Names of modules for nodes' hardware, in addition to those that every image takes along. */
  readonly modules?: readonly string[];
  /** The template's, for remedies. */
  readonly machine?: OsRelease | undefined;
}

/**
 * Builds the part of the initramfs that comes from the image: the modules of its kernel with their firmware, and its
 * tools with their libraries and configuration.
 *
 * @throws RackseedError if the image has no such kernel
 */
export async function buildImageSegment(
  { source, kernelRelease, uses, modules: more = [], machine, ...options }: ImageNeeds & SegmentOptions,
): Promise<ImageBoot> {
  const kernelPath = await findKernel(source, kernelRelease);
  const modules = await selectModules(source, { release: kernelRelease, uses, more });
  if (kernelPath === undefined || modules === undefined) {
    throw new RackseedError(`cannot boot nodes with the kernel ${kernelRelease}`, {
      reason: `the image has no ${
        kernelPath === undefined ? "/boot/vmlinuz-" : "/lib/modules/"
      }${kernelRelease}.`,
      remedy: `install the package ${kernelPackage(machine)} on the template and capture it again.`,
    });
  }
  const tree = new InitramfsTree();
  for (const path of [...modules.files, ...modules.firmware]) await tree.copy(source, path);
  const missing = await copyTools(tree, source, uses);
  return {
    kernelPath,
    segment: await writeSegment(tree, options),
    missing,
    moduleCount: modules.moduleCount,
  };
}

/** The file of a kernel, with links resolved. */
async function findKernel(source: FileSource, release: string): Promise<string | undefined> {
  for (const path of kernelPaths(release)) {
    const file = await resolveFile(source, path);
    if (file !== undefined) return file;
  }
  return undefined;
}

/** The required tools that an image lacks. Found out at capture, long before a node needs them. */
async function findMissingTools(source: FileSource, uses: ReadonlySet<ToolUse>): Promise<Tool[]> {
  const found = await Promise.all(
    requiredTools(uses).map(async (tool) => ({ tool, path: await findTool(source, tool.name) })),
  );
  return found.filter(({ path }) => path === undefined).map(({ tool }) => tool);
}

/** The releases that have both a kernel and modules, newest first. */
export async function listKernels(source: FileSource): Promise<string[]> {
  const releases: string[] = [];
  for (const folder of await listFolder(source, "/lib/modules")) {
    const release = folder.slice(folder.lastIndexOf("/") + 1);
    const bootable = await findKernel(source, release) !== undefined &&
      await resolvePath(source, `${folder}/modules.dep`) !== undefined;
    if (bootable) releases.push(release);
  }
  const newestFirst = new Intl.Collator("en", { numeric: true });
  return releases.sort((a, b) => newestFirst.compare(b, a));
}

async function copyTools(
  tree: InitramfsTree,
  source: FileSource,
  uses: ReadonlySet<ToolUse>,
): Promise<Tool[]> {
  const programs: string[] = [];
  for (const name of new Set([...requiredTools(uses).map((tool) => tool.name), ...optionalTools(uses)])) {
    const path = await findTool(source, name);
    if (path !== undefined) programs.push(path);
  }
  const opened: string[] = [];
  for (const name of dlopenedLibraries) {
    for (const folder of builtInFolders) {
      if (await resolveFile(source, `${folder}/${name}`) !== undefined) opened.push(`${folder}/${name}`);
    }
  }
  const { libraries, interpreters } = await findLibraries(source, [...programs, ...opened]);
  for (const path of [...programs, ...opened, ...interpreters, ...libraries.values()]) {
    await tree.copy(source, path);
  }
  // Scripts and programs call each other by these paths; on merged-/usr systems they are links into /usr.
  for (const path of ["/bin", "/sbin", "/lib", "/lib64", "/bin/sh"]) await tree.copy(source, path);
  for (const path of toolConfiguration) {
    const files = path.endsWith("/") ? await listFolder(source, path.slice(0, -1)) : [path];
    for (const file of files) await tree.copy(source, file);
  }
  return await findMissingTools(source, uses);
}

async function findTool(source: FileSource, name: string): Promise<string | undefined> {
  for (const folder of toolFolders) {
    if (await resolveFile(source, `${folder}/${name}`) !== undefined) return `${folder}/${name}`;
  }
  return undefined;
}
