/** Step "bootloader": makes the clone bootable, and leaves on it the record that a later restore needs. */
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { syncAll } from "../../sys/kernel.ts";
import type { StepOutcome } from "../../steps/step.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { bootFolders, bootState } from "../boot_loader/boot_area.ts";
import { templateDisks } from "../fit/clone_disks.ts";
import { labelChanged } from "../fit/selinux_labels.ts";
import { refillCopies } from "../boot_loader/esp_copies.ts";
import { installBootLoader } from "../boot_loader/boot_loader.ts";
import { writeCloneRecord } from "../records/clone_record.ts";
import type { ExistingClone } from "../restore/existing_clone.ts";
import { STATE_PATHS, withoutFolders } from "../restore/restore_scope.ts";
import type { GivenIdentity } from "./give_identity.ts";
import type { Machine, PlannedDisk } from "./machine.ts";

interface LoaderOptions extends PlannedDisk {
  readonly clone: CloneTree;
  readonly given: Pick<GivenIdentity, "own" | "fitted">;
}

/** Throws RackseedError. */
export async function installLoader(machine: Machine, options: LoaderOptions): Promise<StepOutcome> {
  const { plan, target, clone, given: { own, fitted } } = options;
  const { enrolled: { header, order }, byKexec, run, signal } = machine;
  const folders = ownedFolders(machine, clone);
  const distribution = header.source?.distribution ?? "linux";
  const layout = header.layout ?? { disks: [], fileSystems: [], swap: [] };
  const disks = templateDisks(plan, { layout, encryption: order.encryption });
  const facts = layout.boot ?? GRUB_ONLY;
  const { secureBoot } = order;
  const loader = { plan, clone, facts, disks, distribution, byKexec, secureBoot, run, signal };
  const notes = await installBootLoader(target, loader);
  notes.push(...await labelChanged(clone));
  // grub-install wrote to the device itself, which is read now
  syncAll();
  await writeCloneRecord(clone, {
    manifest: order.manifest.id,
    own,
    fitted: lastingOnly(fitted, folders),
    boot: await bootState(target, { plan, clone, folders }),
  });
  return { message: ["installed", ...notes].join("; ") };
}

/** Keeps the loader of a restored clone if it is sound, or can be put back as it was; else installs it. */
export async function keepOrInstallLoader(
  machine: Machine,
  { existing, ...options }: LoaderOptions & { existing: ExistingClone },
): Promise<StepOutcome> {
  const { plan, target, clone, given: { fitted } } = options;
  const folders = ownedFolders(machine, clone);
  const kept = await existing.keepLoader(target);
  if (kept === undefined) return await installLoader(machine, options);
  await existing.recordFitted(lastingOnly(fitted, folders));
  const filled = await refillCopies(target, { plan, clone });
  return {
    message: [kept, ...filled > 0 ? [`${filled} files copied to other EFI system partitions`] : []].join(
      "; ",
    ),
  };
}

/** The loader's folders, which from now on are not the image's. */
function ownedFolders({ enrolled: { header } }: Machine, clone: CloneTree): string[] {
  const folders = bootFolders(header.layout);
  for (const path of folders) clone.changed.add(path);
  return folders;
}

/** Without what the running system and the boot loader write. */
function lastingOnly(paths: readonly string[], folders: readonly string[]): string[] {
  return withoutFolders(paths, [...STATE_PATHS, ...folders]);
}
