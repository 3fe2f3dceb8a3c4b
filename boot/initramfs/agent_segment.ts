import { RackseedError } from "#contract/errors.ts";
import { readAllPrograms } from "../programs/programs.ts";
import { blankParts } from "./blank_parts.ts";
import { parseElf, setInterpreter } from "./elf.ts";
import { type FileSource, resolveFile } from "./file_source.ts";
import { findLibraries } from "./libraries.ts";
import { type Segment, type SegmentOptions, writeSegment } from "./segment.ts";
import { InitramfsTree } from "./tree.ts";

/**
 * The agent's folder in the initramfs. It has its own libraries and dynamic loader, so that the product runs next to
 * an image with an older glibc. The path is short because the loader's path is overwritten in place.
 */
const home = "/rs";

/**
 * The first program. The product finds itself by /proc/self/exe, so /proc is mounted first. `mount` is the image's
 * own, as are the commands that the agent runs; it runs them without LD_LIBRARY_PATH.
 */
const init = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev
LD_LIBRARY_PATH=${home} exec ${home}/rackseed agent install
`;

interface AgentParts {
  /** Absolute path of the compiled product in `source`. */
  readonly product: string;
  /** The file system whose libraries the product runs with: this machine's root. */
  readonly source: FileSource;
  /** Files that make the product start sooner. */
  readonly more?: readonly { readonly path: string; readonly bytes: Uint8Array }[];
}

/** Builds the part of the initramfs that all images share: the product, its libraries, /init. */
export async function buildAgentSegment(
  { product, source, more = [], ...options }: AgentParts & SegmentOptions,
): Promise<Segment> {
  const file = await resolveFile(source, product);
  if (file === undefined) throw unfit(product, "there is no such file.");
  const bytes = await source.read(file);
  const { interpreter } = parseElf(bytes);
  if (interpreter === undefined) throw unfit(product, "it has no dynamic loader.");
  const { libraries, missing } = await findLibraries(source, [file]);
  if (missing.size > 0) throw unfit(product, `this machine lacks ${[...missing].join(", ")}.`);

  // the agent boots no machine
  blankParts(bytes, await readAllPrograms());

  const tree = new InitramfsTree();
  for (const path of ["/dev", "/mnt", "/proc", "/root", "/run", "/sys", "/tmp", home]) tree.directory(path);
  // /init needs these for its standard streams, because the kernel has not mounted devtmpfs yet.
  tree.characterDevice("/dev/console", { mode: 0o600, device: { major: 5, minor: 1 } });
  tree.characterDevice("/dev/null", { mode: 0o666, device: { major: 1, minor: 3 } });
  tree.bytes("/init", new TextEncoder().encode(init), 0o755);

  for (const { path, bytes } of more) tree.bytes(path, bytes, 0o600);

  const loader = `${home}/${baseName(interpreter.path)}`;
  setInterpreter(bytes, loader);
  tree.bytes(`${home}/rackseed`, bytes, 0o755);
  await copyAs(tree, { source, from: interpreter.path, to: loader });
  for (const [name, from] of libraries) {
    const to = `${home}/${baseName(name)}`;
    if (to !== loader) await copyAs(tree, { source, from, to });
  }
  return await writeSegment(tree, options);
}

async function copyAs(
  tree: InitramfsTree,
  { source, from, to }: { source: FileSource; from: string; to: string },
): Promise<void> {
  const file = await resolveFile(source, from);
  if (file === undefined) throw unfit(from, "there is no such file.");
  tree.bytes(to, await source.read(file), 0o755);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function unfit(subject: string, reason: string): RackseedError {
  return new RackseedError(`cannot include ${subject} in the initramfs`, {
    reason,
    remedy: "run the compiled product on a machine with glibc (`deno task build` creates dist/rackseed).",
  });
}
