/** Reads who the machine was from the disk that the plan is about to overwrite, and from no other disk. */
import { messageOf } from "#contract/errors.ts";
import { devicePath } from "../../layout/disks.ts";
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

/** `at`: where file systems are mounted temporarily. Throws only if `signal` aborts. */
export async function readOldSystem(
  target: TargetDisks,
  { at, nics, own, run, signal }: {
    at: string;
    nics: readonly NamedNic[];
    /** Paths that the image's settings add to own_files/table.ts. */
    own: readonly string[];
    run: Run;
    signal: AbortSignal;
  },
): Promise<OldSystem> {
  const notes: string[] = [];
  const devices = target.numbers.flatMap((disk) => {
    const { name, partitions } = target.facts(disk);
    return partitions.length > 0 ? partitions.map((p) => devicePath(name, p.number)) : [devicePath(name)];
  });
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
