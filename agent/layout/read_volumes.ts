/** Reads the volumes between a machine's disks and its file systems: MD arrays, LUKS, LVM groups. */
import type { Run } from "../sys/command.ts";
import { firstLine } from "../sys/small_file.ts";
import type { Device } from "./block_devices.ts";
import type { ReadStart } from "./device_probe.ts";
import { LUKS_START_BYTES, type LuksHeader, luksHeaderBytes, parseLuksHeader } from "./luks/header.ts";
import { type LvmGroup, lvmReport, parseLvmReport } from "./lvm/report.ts";
import { type ArrayFacts, readArrayFacts } from "./md/array_facts.ts";

/** By the kernel names of the devices: "md127", "dm-3". */
export interface MachineVolumes {
  readonly arrays: ReadonlyMap<string, ArrayFacts>;
  readonly encrypted: ReadonlyMap<string, EncryptedFacts>;
  readonly groups: readonly LvmGroup[];
  /** Device mapper's UUID of each of its devices: "LVM-…", "CRYPT-PLAIN-swap". */
  readonly mapperUuids: ReadonlyMap<string, string>;
  /**
   * The paths behind others: of the links by which LVM names its physical volumes ("/dev/md127" for "/dev/md/pv"), and
   * of the devices that snapshots in memory stand in for.
   */
  readonly aliases: ReadonlyMap<string, string>;
}

interface EncryptedFacts {
  readonly mapperUuid: string;
  /** Undefined if the volume below does not begin with one. */
  readonly header: LuksHeader | undefined;
}

export async function readVolumes(
  devices: readonly Device[],
  { run, readStart, sys, lvmConfig, snapshots }: {
    run: Run;
    readStart: ReadStart;
    sys: string;
    /** An argument of LVM's --config. */
    lvmConfig?: string | undefined;
    snapshots?: ReadonlyMap<string, string> | undefined;
  },
): Promise<MachineVolumes> {
  const arrays = new Map<string, ArrayFacts>(), encrypted = new Map<string, EncryptedFacts>();
  const mapperUuids = new Map<string, string>();
  for (const { kernelName, below } of devices) {
    if (/^md\d|^md_/.test(kernelName) && below.length > 0 && !/p\d+$/.test(kernelName)) {
      arrays.set(kernelName, await readArrayFacts(kernelName, { sys, run }));
    }
    if (!/^dm-\d+$/.test(kernelName)) continue;
    const uuid = await firstLine(`${sys}/class/block/${kernelName}/dm/uuid`) ?? "";
    mapperUuids.set(kernelName, uuid);
    const lower = devices.find(({ name }) => name === below[0]);
    if (uuid.startsWith("CRYPT-LUKS") && lower) {
      encrypted.set(kernelName, { mapperUuid: uuid, header: await headerOf(lower, readStart) });
    }
  }
  const hasLvm = devices.some(({ type }) => type === "lvm");
  const groups = hasLvm ? parseLvmReport((await run(lvmReport(lvmConfig))).stdout) : [];
  const paths = groups.flatMap(({ physical }) => physical.map(({ pv_name }) => pv_name));
  return {
    arrays,
    encrypted,
    mapperUuids,
    groups,
    aliases: new Map([...snapshots ?? [], ...await aliasesOf(paths)]),
  };
}

async function aliasesOf(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const aliases = new Map<string, string>();
  for (const path of paths) {
    try {
      aliases.set(path, await Deno.realPath(path));
    } catch {
      // a missing physical volume is called "[unknown]"
    }
  }
  return aliases;
}

async function headerOf({ path }: Device, readStart: ReadStart): Promise<LuksHeader | undefined> {
  const bytes = luksHeaderBytes(await readStart(path, LUKS_START_BYTES));
  if (bytes === undefined) return undefined;
  try {
    return parseLuksHeader(await readStart(path, bytes));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
