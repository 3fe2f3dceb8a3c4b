/** One rehearsal: disks are made and installed, the machine boots from them, and the probes are tried until they pass. */
import type { VersionView } from "#contract/api.ts";
import type { Probe, ProbeResult } from "#contract/api/rehearsals.ts";
import { REHEARSAL_LIMITS } from "#contract/rehearsal_limits.ts";
import type { RackseedError } from "#contract/errors.ts";
import type { RehearsalRecord } from "../store/rehearsals.ts";
import {
  InstallationFailed,
  installDisks,
  type InstallSite,
  proveInstallable,
  systemDisks,
} from "../virtual_machine/install_disks.ts";
import { consoleLog, type VirtualDisk } from "../virtual_machine/qemu.ts";
import { availableMemoryMiB, BoundsWatch, proveMemory, proveSpace, TooMuch } from "./bounds.ts";
import { bootAndProbe, type Outcome } from "./boot_and_probe.ts";

export const USUAL_PROBES: readonly Probe[] = [{ type: "login" }];

interface RunOptions {
  readonly record: RehearsalRecord;
  readonly version: VersionView;
  readonly site: InstallSite;
  /** Kept: console.log and screenshot.png. Everything else in it is removed at the end. */
  readonly folder: string;
  readonly freeBytes: () => number;
  readonly onProgress: (message: string) => void;
  /** The disks are installed, and the machine is being switched on. */
  readonly onBoot: () => void;
  readonly onProbes: (results: readonly ProbeResult[]) => void;
  readonly signal: AbortSignal;
}

export function screenshotFile(folder: string): string {
  return `${folder}/screenshot.png`;
}

/** Throws if the rehearsal could not be carried out, which says nothing about the version. */
export async function rehearse(options: RunOptions): Promise<Outcome> {
  try {
    return await installAndBoot(options);
  } catch (error) {
    if (error instanceof InstallationFailed || error instanceof TooMuch) return error;
    throw error;
  }
}

async function installAndBoot(options: RunOptions): Promise<Outcome> {
  const { record, version, site, folder, signal } = options;
  const ref = `${version.image}@${version.version}`;
  const { request, mac, node, memoryMiB } = record;
  const { layout, firmware } = proveInstallable(version, {
    title: `cannot rehearse ${ref}`,
    server: site.server,
  });
  proveMemory(memoryMiB, { ref, availableMiB: availableMemoryMiB() });
  proveSpace(version, { freeBytes: options.freeBytes() });
  await using stack = new AsyncDisposableStack();
  const work = `${folder}/work`;
  await Deno.mkdir(work, { recursive: true, mode: 0o700 });
  stack.defer(() => Deno.remove(work, { recursive: true }));
  const disks = await makeDisks(systemDisks(layout), work);
  const console = consoleLog(work);
  // the console outlives the machine
  await Deno.writeFile(`${folder}/console.log`, new Uint8Array(), { mode: 0o600 });
  await Deno.symlink("../console.log", console);
  const watch = stack.use(
    new BoundsWatch({
      version,
      files: disks.map(({ path }) => path),
      console: `${folder}/console.log`,
      freeBytes: options.freeBytes,
    }),
  );
  const machine = { disks, mac, memoryMiB, emulate: request.emulate ?? false, folder: work };
  const stop = AbortSignal.any([signal, watch.signal]);
  {
    const seconds = request.installSeconds ?? REHEARSAL_LIMITS.installSeconds.usual;
    using late = timeLimit(
      seconds,
      () =>
        new InstallationFailed(`cannot install a virtual machine with ${ref}`, {
          reason: `it was not installed within ${seconds} seconds.`,
          remedy: "see its console; give it more time: --install-timeout.",
        }),
    );
    await installDisks({
      ...machine,
      site,
      version,
      name: node,
      hostname: version.image,
      onProgress: options.onProgress,
      signal: AbortSignal.any([stop, late.signal]),
    });
  }
  stop.throwIfAborted();
  options.onBoot();
  const before = (await Deno.stat(`${folder}/console.log`)).size;
  return await bootAndProbe({
    ...machine,
    firmware,
    ref,
    before,
    console: `${folder}/console.log`,
    screenshot: screenshotFile(folder),
    probes: request.probes ?? USUAL_PROBES,
    seconds: request.bootSeconds ?? REHEARSAL_LIMITS.bootSeconds.usual,
    onProbes: options.onProbes,
    signal: stop,
  });
}

async function makeDisks(
  disks: readonly { readonly sizeBytes: number; readonly sectorBytes: 512 | 4096 }[],
  folder: string,
): Promise<VirtualDisk[]> {
  const made = disks.map(({ sectorBytes }, i): VirtualDisk => ({
    path: `${folder}/disk${i}.img`,
    format: "raw",
    sectorBytes,
    serial: `rackseed-disk${i}`,
  }));
  for (const [i, { path }] of made.entries()) {
    await Deno.writeFile(path, new Uint8Array(), { mode: 0o600 });
    // sparse: it takes what is written
    await Deno.truncate(path, disks[i]?.sizeBytes ?? 0);
  }
  return made;
}

/** Aborts with the error after so many seconds, unless disposed of before. */
function timeLimit(
  seconds: number,
  error: () => RackseedError,
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(error()), seconds * 1000);
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}
