/** Finds the medium that started this machine, and reads what it says. */
import { MAX_DESCRIPTION_BYTES, MediumDescription } from "#contract/format/medium.ts";
import { RackseedError } from "#contract/errors.ts";
import { INSPECTION_FLAGS, Mount } from "../../sys/mount.ts";
import { namesIn } from "../../sys/small_file.ts";
import type { Drivers } from "../initramfs.ts";

const AT = "/run/medium";
/** A USB stick may take this long to appear, a drive to read its disc. */
const WAIT_MS = 60_000, PAUSE_MS = 500;
/** ECMA-119 §8.4.5: the volume's name in the primary volume descriptor. */
const LABEL_AT = 16 * 2048 + 40, LABEL_BYTES = 32;

export interface FoundMedium {
  /** "sdb", "sr0" */
  readonly device: string;
  /** Where its files are. */
  readonly folder: string;
  readonly description: MediumDescription;
  readonly mount: AsyncDisposable;
}

/** The id that the kernel's command line names; undefined if no medium started this machine. */
export function mediumOf(commandLine: string): string | undefined {
  return /(?:^|\s)rackseed\.medium=([0-9a-f]{8})(?:\s|$)/.exec(commandLine)?.[1];
}

/** Throws RackseedError if it is not there, or cannot be understood. */
export async function findMedium(
  id: string,
  { drivers, signal }: { drivers: Drivers; signal: AbortSignal },
): Promise<FoundMedium> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    await drivers.load();
    const device = await deviceWith(`RACKSEED_${id.toUpperCase()}`);
    if (device !== undefined) return await openMedium(device);
    if (performance.now() > deadline) throw notFound(id, await namesIn("/sys/block"));
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function openMedium(device: string): Promise<FoundMedium> {
  const mount = await Mount.at(AT, { source: `/dev/${device}`, type: "iso9660", flags: INSPECTION_FLAGS });
  try {
    const folder = `${AT}/rackseed`;
    return { device, folder, description: await descriptionIn(folder), mount };
  } catch (error) {
    await mount[Symbol.asyncDispose]();
    throw error;
  }
}

async function descriptionIn(folder: string): Promise<MediumDescription> {
  const path = `${folder}/medium.jsn`;
  const { size } = await Deno.stat(path);
  if (size > MAX_DESCRIPTION_BYTES) throw unreadable(`medium.jsn has ${size} bytes.`);
  let json: unknown;
  try {
    json = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    throw unreadable(`medium.jsn is damaged: ${error instanceof Error ? error.message : error}.`);
  }
  const description = MediumDescription.safeParse(json);
  if (description.success) return description.data;
  throw unreadable(`medium.jsn is not what this agent understands: ${description.error.issues[0]?.message}.`);
}

/** Whole disks and drives only: the first partition of the medium begins where it does. */
async function deviceWith(label: string): Promise<string | undefined> {
  for (const device of await namesIn("/sys/block")) {
    if (/^(loop|ram|zram|dm-|md|fd|nbd)/.test(device)) continue;
    if (readLabel(`/dev/${device}`) === label) return device;
  }
  return undefined;
}

function readLabel(path: string): string | undefined {
  try {
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(LABEL_BYTES);
    file.seekSync(LABEL_AT, Deno.SeekMode.Start);
    return file.readSync(bytes) === LABEL_BYTES ? new TextDecoder().decode(bytes).trimEnd() : undefined;
  } catch {
    // a drive without a disc
    return undefined;
  }
}

function notFound(id: string, devices: readonly string[]): RackseedError {
  return new RackseedError(`cannot find the medium ${id}`, {
    reason: `the kernel shows no device with it; it shows ${devices.join(", ") || "none"}.`,
    remedy:
      "leave the medium in until it is installed. If it is in: the image's kernel lacks a driver for it; " +
      "try another port, or a CD instead of a stick.",
  });
}

function unreadable(reason: string): RackseedError {
  return new RackseedError("cannot use this medium", {
    reason,
    remedy: "write it again: rackseed medium --help",
  });
}
