/** The files of a version that boot a node: its kernel and its segment of the initramfs. */
import { gunzipSync } from "node:zlib";
import { type Architecture, architectureOf, ARCHITECTURES } from "#contract/architectures.ts";
import { bytePathOfText, textOf } from "#contract/format/byte_path.ts";
import type { OsRelease } from "#contract/distributions.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { packageOf, usesOf } from "#contract/tools.ts";
import type { SourceEntry } from "../../boot/initramfs/file_source.ts";
import { buildImageSegment, listKernels } from "../../boot/initramfs/image_segment.ts";
import { type Controller, driversFor } from "../../boot/initramfs/modules.ts";
import { kernelCompression } from "../../boot/initramfs/segment.ts";
import type { AgentSegments } from "./agent_segments.ts";
import { areSameInputs, type ImageSource, RecordingSource } from "./boot_inputs.ts";
import type { PreviousVersion } from "../store/previous_version.ts";
import type { VersionReader } from "../store/version_reader.ts";

const KERNEL = "vmlinuz", SEGMENT = "initrd-image";
/** The inputs of both; see boot_inputs.ts. */
const INPUTS = "boot-inputs";

/** What boot files depend on besides the image's files. */
interface Terms {
  readonly kernelRelease: string;
  readonly uses: ReturnType<typeof usesOf>;
  readonly machine: OsRelease | undefined;
  readonly architecture: Architecture;
}

interface Boot {
  readonly bootable: boolean;
  readonly notes: readonly string[];
}

interface BootOptions {
  /** The version's folder. */
  readonly folder: string;
  readonly previous: PreviousVersion | undefined;
  readonly segments: Pick<AgentSegments, "ensure" | "product">;
  /** Storage and network hardware of the nodes that have reported it. */
  readonly hardware: readonly Controller[];
  readonly signal: AbortSignal;
}

/**
 * Makes the boot files in `folder`, or links those of the previous version if they would come out the same. If the image
 * cannot boot a node, the notes say what is missing.
 */
export async function makeBootFiles(
  reader: VersionReader,
  options: BootOptions,
): Promise<Boot> {
  const source = sourceOf(reader);
  const { source: machine, layout } = reader.manifest.header;
  const kernels = await listKernels(source);
  const kernelRelease = kernels.find((release) => release === machine?.kernel) ?? kernels[0];
  if (kernelRelease === undefined) {
    return { bootable: false, notes: ["it has no kernel with modules in /lib/modules."] };
  }
  if (layout === undefined) {
    return { bootable: false, notes: ["it has no disk layout, because it was not captured from a machine."] };
  }
  const architecture = architectureOf(machine?.architecture ?? Deno.build.arch);
  if (architecture === undefined) {
    const known = Object.values(ARCHITECTURES).map(({ label }) => label);
    const note = `it is for ${machine?.architecture} machines: Rackseed has an agent for ${
      known.join(" and ")
    }.`;
    return { bootable: false, notes: [note] };
  }
  try {
    return await makeOrReuse(source, {
      ...options,
      architecture,
      kernelRelease,
      machine,
      uses: usesOf(layout, machine?.firmware ?? "bios"),
    });
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof RackseedError)) throw error;
    return { bootable: false, notes: [`${error.title}: ${error.reason} ${error.remedy}`] };
  }
}

async function makeOrReuse(
  source: ImageSource,
  { kernelRelease, machine, architecture, uses, hardware, folder, previous, segments, signal }:
    & BootOptions
    & Terms,
): Promise<Boot> {
  const compression = await kernelCompression(source, kernelRelease);
  await segments.ensure({ architecture, compression });
  const { modules, lacking } = await driversFor(source, { release: kernelRelease, uses, hardware });
  // another version of the product may make them differently
  const product = await segments.product(architecture);
  const terms = JSON.stringify([product, kernelRelease, compression, [...uses].sort(), modules, lacking]);
  const reused = previous && await reuse(previous, { folder, terms, source });
  if (reused) return reused;
  const recording = new RecordingSource(source);
  const { kernelPath, missing } = await buildImageSegment({
    source: recording,
    kernelRelease,
    machine,
    uses,
    modules,
    compression,
    signal,
    output: `${folder}/${SEGMENT}`,
  });
  const kernel = unpackedKernel(await recording.read(kernelPath));
  await Deno.writeFile(`${folder}/${KERNEL}`, kernel, { mode: 0o600 });
  await Deno.writeFile(`${folder}/${INPUTS}`, await recording.inputs(terms), { mode: 0o600 });
  const notes = [
    ...missing.map((tool) => `it lacks ${tool.name} (package ${packageOf(tool, machine)}).`),
    ...lacking.slice(0, 8).map(({ modalias, driver }) =>
      `its kernel has no driver for hardware of nodes that works with the driver ${driver} elsewhere: ${modalias}.`
    ),
  ];
  return { bootable: missing.length === 0, notes };
}

/** More than any kernel has. */
const KERNEL_BYTES = 256 << 20;

/**
 * Ubuntu, for one, compresses its arm64 kernels as a whole (Image.gz), which neither firmware nor the stub unpacks; all
 * other kernels unpack themselves.
 */
function unpackedKernel(file: Uint8Array<ArrayBuffer>): Uint8Array {
  if (file[0] !== 0x1f || file[1] !== 0x8b) return file;
  try {
    return gunzipSync(file, { maxOutputLength: KERNEL_BYTES });
  } catch (cause) {
    throw new RackseedError("cannot unpack the image's kernel", {
      reason: messageOf(cause),
      remedy: "reinstall the kernel's package on the template and capture it again.",
      cause,
    });
  }
}

/** Links the previous version's boot files; undefined if the new ones would differ, or those are damaged. */
async function reuse(
  previous: PreviousVersion,
  { folder, terms, source }: { folder: string; terms: string; source: ImageSource },
): Promise<Boot | undefined> {
  const inputs = await previous.read(INPUTS);
  if (inputs === undefined || !await areSameInputs(inputs, { terms, source })) return undefined;
  for (const name of [KERNEL, SEGMENT, INPUTS]) {
    if (await previous.link(name, folder)) continue;
    // remove the links made so far: writing through them would change the previous version
    for (const linked of [KERNEL, SEGMENT]) await Deno.remove(`${folder}/${linked}`).catch(() => {});
    return undefined;
  }
  return { bootable: previous.bootable, notes: previous.bootNotes };
}

/** A version's files, as input of the initramfs. */
function sourceOf(reader: VersionReader): ImageSource {
  const inside = (path: string) => bytePathOfText(path.replace(/^\/+/, ""));
  return {
    lookup(path) {
      return Promise.resolve(entryAt(path));
    },
    read(path) {
      try {
        const content = reader.read(inside(path));
        if (content === undefined) throw new Error(`${path} is not a file of the image`);
        return Promise.resolve(new Uint8Array(content));
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(messageOf(error)));
      }
    },
    list(path) {
      return Promise.resolve((reader.list(inside(path)) ?? []).flatMap((name) => textOf(name) ?? []));
    },
    identity(path) {
      return reader.identity(inside(path));
    },
  };

  function entryAt(path: string): SourceEntry | undefined {
    const entry = reader.stat(inside(path));
    if (entry?.type === "file") return { type: "file", mode: entry.mode, sizeBytes: entry.sizeBytes };
    if (entry?.type === "directory") return { type: "directory" };
    const target = entry?.type === "symlink" ? textOf(entry.target) : undefined;
    return target === undefined ? undefined : { type: "symlink", target };
  }
}
