/** Step "bootloader": makes the clone bootable, and leaves on it the record that a later restore needs. */
import { SignatureAnswer } from "#contract/api/secure_boot.ts";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { syncAll } from "../../sys/kernel.ts";
import type { StepOutcome } from "../../steps/step.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { bootFolders, bootState } from "../boot_loader/boot_area.ts";
import { templateDisks } from "../fit/clone_disks.ts";
import { labelChanged } from "../fit/selinux_labels.ts";
import { refillCopies } from "../boot_loader/esp_copies.ts";
import { installBootLoader, proveKeptLoader } from "../boot_loader/boot_loader.ts";
import type { SigningStart } from "../boot_loader/in_clone.ts";
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
  const secureStart = signingStart(machine);
  const folders = ownedFolders(machine, clone);
  const distribution = header.source?.distribution ?? "linux";
  const layout = header.layout ?? { disks: [], fileSystems: [], swap: [] };
  const disks = templateDisks(plan, { layout, encryption: order.encryption });
  const facts = layout.boot ?? GRUB_ONLY;
  const { secureBoot } = order;
  const loader = { plan, clone, facts, disks, distribution, byKexec, secureBoot, secureStart, run, signal };
  const { notes, signed } = await installBootLoader(target, loader);
  const labelled = await labelChanged(clone);
  // grub-install wrote to the device itself, which is read now
  syncAll();
  await writeCloneRecord(clone, {
    manifest: order.manifest.id,
    own,
    fitted: lastingOnly([...fitted, ...signed], folders),
    boot: await bootState(target, { plan, clone, folders }),
  });
  return { message: ["installed", ...notes, ...labelled].join("; ") };
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
  const { order: { secureBoot }, header } = machine.enrolled;
  const { paths: signed, notes } = await proveKeptLoader({
    plan,
    clone,
    facts: header.layout?.boot ?? GRUB_ONLY,
    distribution: header.source?.distribution ?? "linux",
    secureBoot,
    secureStart: signingStart(machine),
  });
  await existing.recordFitted(lastingOnly([...fitted, ...signed], folders));
  const filled = await refillCopies(target, { plan, clone });
  return {
    message: [kept, ...notes, ...filled > 0 ? [`${filled} files copied to other EFI system partitions`] : []]
      .join(
        "; ",
      ),
  };
}

function signingStart(
  { firmwareTrust, enrolled: { client, order: { signs, secureBoot } }, signal }: Machine,
): SigningStart | undefined {
  return firmwareTrust && {
    ...firmwareTrust,
    signs,
    requestsMok: secureBoot?.mok !== undefined,
    sign: async (digests) => {
      const request = { body: { digests: [...digests] }, schema: SignatureAnswer, signal };
      const { signatures } = await client.post("/node/signatures", request);
      return signatures.map((one) => Uint8Array.fromBase64(one));
    },
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
