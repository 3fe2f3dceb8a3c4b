/** Reads who the machine was from the disks that the plan is about to overwrite, and from no other disk. */
import { messageOf } from "#contract/errors.ts";
import { assembleVolumes } from "../../layout/assemble/assemble_volumes.ts";
import { readDisk } from "../../layout/disks.ts";
import type { Run } from "../../sys/command.ts";
import { foreignRoots } from "../disk/foreign_roots.ts";
import type { TargetDisks } from "../disk/guard.ts";
import type { NamedNic } from "./network_config/resolve_nics.ts";
import { type KeptIdentity, readIdentity } from "./read_identity.ts";

export interface OldSystem {
  readonly kept?: KeptIdentity;
  /** "vda2" */
  readonly from?: string;
  /** Why some or all of it could not be read; human-readable. */
  readonly notes: readonly string[];
}

/** blkid's types of what is a part of another volume. */
const PARTS = new Set(["linux_raid_member", "crypto_LUKS", "LVM2_member"]);

/** `at`: where file systems are mounted temporarily. Throws only if `signal` aborts. */
export async function readOldSystem(
  target: TargetDisks,
  { at, nics, own, keys = [], run, signal }: {
    at: string;
    nics: readonly NamedNic[];
    /** Paths that the image's settings add to own_files/table.ts. */
    own: readonly string[];
    /** To try on encrypted volumes. */
    keys?: readonly string[];
    run: Run;
    signal: AbortSignal;
  },
): Promise<OldSystem> {
  const notes: string[] = [];
  const disks = await Promise.all(target.numbers.map((disk) => readDisk(target.facts(disk).name)));
  // gone again before anything is overwritten
  await using assembled = await assembleVolumes(disks.flatMap((disk) => disk ?? []), {
    readOnly: true,
    keys,
    run,
    signal,
  });
  notes.push(...assembled.notes);
  const devices = assembled.volumes.flatMap(({ device, facts }) =>
    PARTS.has(facts.get("TYPE") ?? "") ? [] : [device]
  );
  for await (const { tree, name } of foreignRoots(devices, { at, notes, run, signal })) {
    try {
      return { kept: await readIdentity(tree, { nics, own }), from: name, notes };
    } catch (error) {
      signal.throwIfAborted();
      notes.push(`${name} cannot be read: ${messageOf(error)}`);
    }
  }
  return { notes };
}
