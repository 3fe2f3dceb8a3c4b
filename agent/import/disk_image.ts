/**
 * A disk image (raw or qcow2) as the source of a capture: its system is mounted and read
 * like that of a machine that is switched off. The file is not written to.
 */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { BIOS_BOOT_TYPE, type DiskLayout, isEspPartition } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { z } from "zod";
import { readStillSystem } from "../backup/still_system.ts";
import { stillObstacles, withObstacles } from "../capture/boot_obstacles.ts";
import type { CaptureSource } from "../capture/capture_source.ts";
import { TreeSource } from "../capture/tree_source.ts";
import { readDisk } from "../layout/disks.ts";
import { parseSfdisk } from "../layout/partition_table.ts";
import type { Run } from "../sys/command.ts";
import { ForeignTree } from "../tree/tree_files.ts";
import { compileExcludes, DEFAULT_EXCLUDES, excludesOf } from "../tree/excludes.ts";
import { LoopDevice } from "./loop_device.ts";

export type Firmware = "bios" | "uefi";

interface ImportedDisk {
  readonly tree: CaptureSource;
  readonly source: Source;
  readonly layout: DiskLayout;
  readonly excludes: readonly string[];
  readonly notes: readonly string[];
}

interface DiskImageOptions {
  readonly excludes: readonly string[];
  /** If its table allows both. */
  readonly firmware?: Firmware | undefined;
  /** Takes what must be undone. */
  readonly stack: AsyncDisposableStack;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** Throws RackseedError. */
export async function openDiskImage(path: string, options: DiskImageOptions): Promise<ImportedDisk> {
  const { stack, run, signal } = options;
  const title = `cannot import the disk image ${path}`;
  if (Deno.uid() !== 0) {
    throw new RackseedError(title, {
      reason: "it is attached as a loop device, which only root may do.",
      remedy: "run the command as root.",
      status: 403,
    });
  }
  const raw = await rawImage(path, { title, stack, run, signal });
  const loop = stack.use(await LoopDevice.attach(raw.path, { ...options, title, readOnly: !raw.isCopy }));
  const facts = await readDisk(loop.name);
  if (facts === undefined) throw new RangeError(`${loop.device} is gone`);
  const firmware = await firmwareOf(loop.device, { ...options, title });
  const at = await Deno.makeTempDir({ prefix: "rackseed-import-" });
  stack.defer(() => Deno.remove(at));
  const disks = [{ ...facts, kind: "disk" as const }], node = path;
  const excludes = compileExcludes([...DEFAULT_EXCLUDES, ...options.excludes]);
  const { machine, notes } = await readStillSystem(disks, {
    ...options,
    node,
    excludes,
    firmware,
    at,
    diskTypes: ["loop"],
  });
  const all = excludesOf(machine.layout, excludes.patterns);
  const obstacles = await stillObstacles(new ForeignTree(at), machine);
  return {
    tree: new TreeSource(at, { excludes: all, mountPoints: machine.mountPoints, isTemplate: true }),
    source: machine.source,
    layout: withObstacles(machine.layout, obstacles),
    excludes: all.patterns,
    notes: [...obstacles, ...notes, ...machine.unseen, ...machine.notes],
  };
}

const ImageInfo = z.object({
  format: z.string(),
  "backing-filename": z.string().optional(),
  "format-specific": z.object({
    data: z.object({ "data-file": z.string().optional() }).loose(),
  }).loose().optional(),
});

interface Conversion {
  readonly title: string;
  readonly stack: AsyncDisposableStack;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/**
 * Converts an image that is not raw into a private copy. One that refers to another file is refused: a file from
 * elsewhere could so bring any file of this machine into an image.
 */
async function rawImage(
  path: string,
  { title, stack, run, signal }: Conversion,
): Promise<{ path: string; isCopy: boolean }> {
  const format = await formatOf(path);
  if (format === "raw") return { path, isCopy: false };
  if (format !== "qcow2") {
    throw new RackseedError(title, {
      reason: `it has the format ${format}.`,
      remedy:
        `convert it: qemu-img convert -f ${format} -O qcow2 ${path} disk.qcow2; then import disk.qcow2.`,
      status: 400,
    });
  }
  const remedy = "install qemu-utils, and check the file with `qemu-img info`.";
  const options = { title, remedy, signal };
  const { stdout } = await run(["qemu-img", "info", "-f", format, "--output=json", path], options);
  const info = ImageInfo.parse(JSON.parse(stdout));
  const other = info["backing-filename"] ?? info["format-specific"]?.data["data-file"];
  if (other !== undefined) {
    throw new RackseedError(title, {
      reason: `it is only a part of an image: the rest is in ${other}.`,
      remedy: `join them first: qemu-img convert -O raw ${path} whole.img; then import whole.img.`,
      status: 400,
    });
  }
  const folder = await Deno.makeTempDir({ prefix: "rackseed-import-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const copy = `${folder}/disk.img`;
  await run(["qemu-img", "convert", "-f", format, "-O", "raw", path, copy], {
    ...options,
    timeoutMs: 6 * 3_600_000,
    remedy: `it needs room for the whole disk in ${
      Deno.env.get("TMPDIR") ?? "/tmp"
    }; TMPDIR names another place.`,
  });
  return { path: copy, isCopy: true };
}

/** The first bytes of formats of virtual disks. */
const MAGICS: readonly (readonly [format: string, magic: string])[] = [
  ["qcow2", "QFI\xfb"],
  ["vmdk", "KDMV"],
  ["vhdx", "vhdxfile"],
  ["vpc", "conectix"],
  ["vdi", "<<< "],
];

/** Never left to qemu-img: a guest could have written the first bytes of a raw disk. */
async function formatOf(path: string): Promise<string> {
  using file = await Deno.open(path);
  const head = new Uint8Array(8);
  const length = await file.read(head) ?? 0;
  const text = Buffer.from(head.subarray(0, length)).toString("latin1");
  return MAGICS.find(([, magic]) => text.startsWith(magic))?.[0] ?? "raw";
}

/** How a machine with this disk boots. Throws RackseedError if its table allows both, and nobody said which. */
async function firmwareOf(
  device: string,
  { firmware, title, run, signal }: Pick<DiskImageOptions, "firmware" | "run" | "signal"> & { title: string },
): Promise<Firmware> {
  if (firmware !== undefined) return firmware;
  const { stdout, code } = await run(["sfdisk", "-J", device], { accept: [0, 1], signal });
  if (code !== 0) return "bios";
  let table: ReturnType<typeof parseSfdisk>;
  try {
    table = parseSfdisk(stdout);
  } catch (error) {
    throw new RackseedError(title, { reason: messageOf(error), remedy: "use a disk with a GPT or an MBR." });
  }
  const uefi = table.partitions.some(isEspPartition);
  const bios = table.partitions.some(({ type }) => type.toLowerCase() === BIOS_BOOT_TYPE) ||
    table.table === "dos" && !uefi;
  if (uefi && bios) {
    throw new RackseedError(title, {
      reason: "its disk can boot with BIOS and with UEFI, and a version is for one of them.",
      remedy: "give --firmware bios or --firmware uefi.",
      status: 400,
    });
  }
  return uefi ? "uefi" : "bios";
}
