/** One rehearsal: disks are made and installed, the machine boots from them, and the probes are tried until they pass. */
import type { VersionView } from "#contract/api.ts";
import { type Probe, type ProbeResult, REHEARSAL_LIMITS } from "#contract/api/rehearsals.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { RehearsalRecord } from "../store/rehearsals.ts";
import { BootedMachine } from "../virtual_machine/booted_machine.ts";
import {
  InstallationFailed,
  installDisks,
  type InstallSite,
  proveInstallable,
  systemDisks,
} from "../virtual_machine/install_disks.ts";
import { consoleLog, type VirtualDisk } from "../virtual_machine/qemu.ts";
import { availableMemoryMiB, BoundsWatch, proveMemory, proveSpace, TooMuch } from "./bounds.ts";
import { deadEnd, plainText } from "./console_text.ts";
import { portsOf, tryProbe } from "./probes.ts";

const TRY_MS = 1000;
const SCREENSHOT_MS = 5000;
/** A system may restart at its first boot, for instance to label its files. */
const MAX_RESTARTS = 3;

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

/** Undefined: the version is proved. A problem: it failed. */
export type Outcome = RackseedError | undefined;

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
  const { layout, firmware } = proveInstallable(version, { title: `cannot rehearse ${ref}`, server: site.server });
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
    using late = timeLimit(seconds, () =>
      new InstallationFailed(`cannot install a virtual machine with ${ref}`, {
        reason: `it was not installed within ${seconds} seconds.`,
        remedy: "see its console; give it more time: --install-timeout.",
      }));
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
  return await boot({ ...machine, firmware, ref, before, stop }, options);
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

interface Boot extends Pick<Parameters<typeof BootedMachine.start>[0], "disks" | "mac" | "memoryMiB" | "emulate" | "folder" | "firmware"> {
  readonly ref: string;
  /** Bytes of the console's log that the installer wrote. */
  readonly before: number;
  readonly stop: AbortSignal;
}

async function boot({ ref, before, stop, ...machineOptions }: Boot, options: RunOptions): Promise<Outcome> {
  const { record: { request }, folder } = options;
  const probes = request.probes ?? USUAL_PROBES;
  await using machine = await BootedMachine.start({ ...machineOptions, ports: portsOf(probes) });
  const startMs = Date.now();
  const seconds = request.bootSeconds ?? REHEARSAL_LIMITS.bootSeconds.usual;
  let results: readonly ProbeResult[] = probes.map((probe) => ({ probe, passed: false }));
  let ended: string | undefined, failure: unknown, pictured = 0;
  machine.ended.then((why) => ended = why, (error) => failure = error);
  const picture = async () => {
    // a machine that ends meanwhile leaves the picture before
    await machine.screenshot(screenshotFile(folder)).catch(() => {});
    pictured = Date.now();
  };
  for (;;) {
    stop.throwIfAborted();
    if (failure !== undefined) throw failure;
    const text = plainText((await Deno.readFile(`${folder}/console.log`)).subarray(before));
    if (Date.now() - pictured >= SCREENSHOT_MS) await picture();
    results = await Promise.all(results.map(async (result) => {
      if (result.passed) return result;
      const { passed, seen } = await tryProbe(result.probe, { machine, text, signal: stop })
        .catch((error) => ({ passed: false, seen: messageOf(error) }));
      const at = passed ? { seconds: Math.round((Date.now() - startMs) / 1000) } : {};
      return { probe: result.probe, passed, seen: seen.slice(0, 500), ...at };
    }));
    options.onProbes(results);
    if (results.every(({ passed }) => passed)) {
      await picture();
      return undefined;
    }
    const why = ended ?? deadEnd(text) ??
      (machine.restarts > MAX_RESTARTS ? `it has restarted itself ${machine.restarts} times` : undefined) ??
      (Date.now() - startMs > seconds * 1000 ? `${seconds} seconds have passed` : undefined);
    if (why !== undefined) {
      await picture();
      return notProved(ref, { why, results });
    }
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
}

function notProved(
  ref: string,
  { why, results }: { why: string; results: readonly ProbeResult[] },
): RackseedError {
  const missing = results.filter(({ passed }) => !passed).map(({ seen = "not tried" }) => seen);
  return new RackseedError(`${ref} is not proved`, {
    reason: `${why}; ${missing.join("; ")}`.replace(/\.?$/, ".").slice(0, 2000),
    remedy: "see the screenshot and the console, correct the template and capture it again; or give it more time: " +
      "--boot-timeout.",
    status: 409,
  });
}

/** Aborts with the error after so many seconds, unless disposed of before. */
function timeLimit(seconds: number, error: () => RackseedError): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(error()), seconds * 1000);
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}
