/**
 * Where a medium is written: a new file, or a USB stick. A stick is only one that is removable or attached by USB, is
 * whole, and that nothing uses: the costliest mistake is the name of another disk.
 */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { formatBytes } from "../words/figures.ts";

interface MediumOutput extends AsyncDisposable {
  refuseTooSmall(sizeBytes: number): void;
  write(bytes: Uint8Array): Promise<void>;
  /** Everything is on the disk, under its name. */
  finish(): Promise<void>;
}

interface OutputOptions {
  /** Throws if the kernel uses the block device: mounted, swap, part of an array. */
  readonly claimDevice: (path: string) => Promise<void>;
  /** Root of sysfs. */
  readonly sys?: string;
}

/** Throws RackseedError, with nothing written, if it is no place for a medium. */
export async function openOutput(
  path: string,
  { claimDevice, sys = "/sys" }: OutputOptions,
): Promise<MediumOutput> {
  const info = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw refused(path, `${messageOf(error)}.`);
  });
  if (info === undefined || info.isFile) return await FileOutput.open(path);
  if (!info.isBlockDevice) throw refused(path, "it is neither a file nor a disk.");
  await refuseOtherDisks(path, { number: info.rdev ?? 0, sys });
  try {
    await claimDevice(path);
  } catch (error) {
    throw refused(path, `it is in use, for instance mounted (${messageOf(error)}). Nothing was written.`);
  }
  return await DeviceOutput.open(path);
}

/** `number`: as in st_rdev. */
async function refuseOtherDisks(
  path: string,
  { number, sys }: { number: number; sys: string },
): Promise<void> {
  // makedev(3) of glibc
  const major = (number >>> 8) & 0xfff, minor = (number & 0xff) | ((number >>> 12) & 0xfff00);
  const at = await Deno.realPath(`${sys}/dev/block/${major}:${minor}`).catch(() => "");
  if (at === "") throw refused(path, "the kernel does not know this disk.");
  if (await hasFile(`${at}/partition`)) {
    const whole = at.split("/").at(-2);
    throw refused(path, `it is a partition; the whole disk is /dev/${whole}.`);
  }
  const removable = (await Deno.readTextFile(`${at}/removable`).catch(() => "")).trim() === "1";
  if (removable || /\/usb\d/.test(at)) return;
  throw refused(path, "it is neither removable nor attached by USB. Nothing was written.");
}

async function hasFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

class FileOutput implements MediumOutput {
  readonly #path: string;
  readonly #part: string;
  #file: Deno.FsFile | undefined;

  private constructor(path: string, { part, file }: { part: string; file: Deno.FsFile }) {
    this.#path = path;
    this.#part = part;
    this.#file = file;
  }

  static async open(path: string): Promise<FileOutput> {
    const part = `${path}.part`;
    try {
      // it may carry its own code
      const file = await Deno.open(part, { write: true, createNew: true, mode: 0o600 });
      return new FileOutput(path, { part, file });
    } catch (error) {
      const exists = error instanceof Deno.errors.AlreadyExists;
      throw refused(path, exists ? `${part} exists already.` : `${messageOf(error)}.`);
    }
  }

  refuseTooSmall(): void {}

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#path, this.#file, bytes);
  }

  async finish(): Promise<void> {
    await this.#file?.sync();
    this.#close();
    await Deno.rename(this.#part, this.#path);
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#file === undefined) return;
    this.#close();
    await Deno.remove(this.#part).catch(() => {});
  }
}

class DeviceOutput implements MediumOutput {
  readonly #path: string;
  readonly #sizeBytes: number;
  #file: Deno.FsFile | undefined;

  private constructor(path: string, { file, sizeBytes }: { file: Deno.FsFile; sizeBytes: number }) {
    this.#path = path;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  static async open(path: string): Promise<DeviceOutput> {
    try {
      const file = await Deno.open(path, { write: true });
      const sizeBytes = await file.seek(0, Deno.SeekMode.End);
      await file.seek(0, Deno.SeekMode.Start);
      return new DeviceOutput(path, { file, sizeBytes });
    } catch (error) {
      throw refused(path, `${messageOf(error)}.`);
    }
  }

  refuseTooSmall(sizeBytes: number): void {
    if (sizeBytes <= this.#sizeBytes) return;
    const needs = `the medium needs ${formatBytes(sizeBytes)}, and it has ${formatBytes(this.#sizeBytes)}.`;
    throw refused(this.#path, `${needs} Nothing was written.`);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#path, this.#file, bytes);
  }

  async finish(): Promise<void> {
    await this.#file?.sync();
    await this[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#file?.close();
    this.#file = undefined;
    return Promise.resolve();
  }
}

async function writeAll(path: string, file: Deno.FsFile | undefined, bytes: Uint8Array): Promise<void> {
  if (file === undefined) throw new RangeError("the output is closed");
  try {
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  } catch (error) {
    throw new RackseedError(`cannot write the medium to ${path}`, {
      reason: `${messageOf(error)}.`,
      remedy: "make room, or name another file or stick.",
      cause: error,
    });
  }
}

function refused(path: string, reason: string): RackseedError {
  return new RackseedError(`cannot write a medium to ${path}`, {
    reason,
    remedy: "name a new file, or a USB stick that is not mounted (`lsblk` shows them).",
    status: 409,
  });
}
