/** Opens LUKS volumes with the keys at hand: cryptsetup(8). */
import { messageOf } from "#contract/errors.ts";
import { loadModules } from "../../sys/modules.ts";
import { type AssembledVolume, type AssembleWork, probed } from "./assembled_volume.ts";
import { holdersOf, mapperNames } from "./kernel_devices.ts";

/** cryptsetup(8), RETURN CODES */
const WRONG_KEY = 2;
/** Deriving a key takes seconds by design, and many on a slow machine. */
const OPEN_MS = 3 * 60_000;

/** `containers`: devices of the type crypto_LUKS. */
export async function openEncrypted(
  containers: readonly AssembledVolume[],
  work: AssembleWork,
): Promise<AssembledVolume[]> {
  const opened: AssembledVolume[] = [];
  for (const container of containers) {
    const uuid = container.facts.get("UUID");
    if (uuid === undefined || (work.only && !work.only.has(uuid))) continue;
    try {
      const device = await openOn(container) ?? await open(container, { uuid, work });
      if (device === undefined) continue;
      const { disks, title } = container;
      opened.push(await probed({ device, kind: "luks", title: `the encrypted ${title}`, uuid, disks }, work));
    } catch (error) {
      work.signal.throwIfAborted();
      work.notes.push(`the encrypted volume on ${container.title} cannot be opened: ${messageOf(error)}`);
    }
  }
  return opened;
}

async function openOn({ device }: AssembledVolume): Promise<string | undefined> {
  for (const holder of await holdersOf(device)) {
    const names = await mapperNames(holder);
    if (names?.uuid.startsWith("CRYPT-LUKS")) return `/dev/mapper/${names.name}`;
  }
  return undefined;
}

async function open(
  { device, title }: AssembledVolume,
  { uuid, work: { keys = [], names, readOnly, run, signal, notes, stack } }: {
    uuid: string;
    work: AssembleWork;
  },
): Promise<string | undefined> {
  await loadModules(["dm-mod", "dm-crypt"], { run, signal });
  // two copies of a disk have the same UUID
  const name = names?.get(uuid) ?? `luks-${uuid}-${device.replace(/^.*\//, "")}`;
  for (const key of keys) {
    const { code } = await run([
      ...["cryptsetup", "open", "--type", "luks", "--batch-mode", "--tries", "1", "--key-file", "-"] as const,
      ...readOnly ? ["--readonly"] : [],
      ...[device, name],
    ], { input: key, accept: [0, WRONG_KEY], timeoutMs: OPEN_MS, signal });
    if (code === WRONG_KEY) continue;
    stack.defer(async () => void await run(["cryptsetup", "close", name]));
    return `/dev/mapper/${name}`;
  }
  notes.push(
    keys.length === 0
      ? `${title} is encrypted, and no key is known for it`
      : `${title} is encrypted, and no known key opens it`,
  );
  return undefined;
}
