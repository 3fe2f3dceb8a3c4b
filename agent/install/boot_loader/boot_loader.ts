/**
 * Makes the clone bootable in the way its template boots, with the image's own programs, then checks that its
 * configuration finds this root. On UEFI every EFI system partition gets the same files, and the network stays first
 * if it was first, so that the node can be deployed again.
 */
import { RackseedError } from "#contract/errors.ts";
import { actionsOf } from "#plan/actions.ts";
import type { BootLoaderPlan } from "#plan/plan_boot_loader.ts";
import { bootTexts } from "../../boot_config/boot_texts.ts";
import { rootObstacle } from "../../boot_config/prove_root.ts";
import type { SecureBootOrder } from "#contract/api/secure_boot.ts";
import { fileOfBytes } from "../../../boot/tftp/tftp_file.ts";
import { shimAnchors } from "../../../boot/uki/image_signatures.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { requestMok } from "./mok.ts";
import { bindKernelTrees } from "../../sys/mount.ts";
import { unlockedFolders } from "../../tree/unlocked_folders.ts";
import type { TargetDisks } from "../disk/guard.ts";
import { FALLBACK } from "../../boot_config/esp_programs.ts";
import { enrolSecureBoot } from "./secure_boot.ts";
import { FirmwareEntries } from "./firmware_entries.ts";
import { fillCopies } from "./esp_copies.ts";
import { makeFirstMenu } from "./first_menu.ts";
import { installGrub, installGrubOnEsp } from "./grub.ts";
import { type BootLoaderOptions, TITLE } from "./in_clone.ts";
import { LOADER_BYTES, proveSecureStart } from "./secure_start.ts";
import { loaderProgram, proveFallback } from "./esp_programs.ts";
import { installSystemdBoot, installUnified } from "./systemd_boot.ts";

/** Returns what was left out, as text; and which programs were signed. Throws RackseedError. */
export async function installBootLoader(
  target: TargetDisks,
  options: BootLoaderOptions,
): Promise<{ readonly notes: readonly string[]; readonly signed: readonly string[] }> {
  const [action] = actionsOf(options.plan, "boot-loader");
  if (!action) return { notes: [], signed: [] };
  const { bootLoader } = action, { clone } = options;
  const notes: string[] = [], signed: string[] = [];
  {
    const folders = await Promise.all(["/boot/grub", "/boot/grub2"].map((path) => clone.directory(path)));
    using _unlocked = unlockedFolders(folders.filter((path) => path !== undefined));
    await using _trees = await bindKernelTrees(clone.root);
    if (bootLoader.firmware === "bios") {
      await installGrub(bootLoader.disks.map((disk) => target.whole(disk)), options);
    } else {
      const done = await installOnEsps(target, { ...options, bootLoader });
      notes.push(...done.notes);
      signed.push(...done.signed);
    }
    notes.push(...await makeFirstMenu(target, options));
  }
  await proveBootConfig(options);
  return { notes, signed };
}

/** The same proof for a loader that a restore leaves as it is. Throws RackseedError. */
export async function proveKeptLoader(
  options: Pick<
    BootLoaderOptions,
    "plan" | "clone" | "facts" | "distribution" | "secureStart" | "secureBoot"
  >,
): ReturnType<typeof proveSecureStart> {
  const [action] = actionsOf(options.plan, "boot-loader");
  if (action?.bootLoader.firmware !== "uefi") return { paths: [], notes: [] };
  const { esp } = action.bootLoader;
  return await proveSecureStart(options, {
    esp,
    program: await loaderProgram(options.clone, { ...options, esp }),
  });
}

type UefiPlan = Extract<BootLoaderPlan, { firmware: "uefi" }>;

async function installOnEsps(
  target: TargetDisks,
  { bootLoader, ...options }: BootLoaderOptions & { readonly bootLoader: UefiPlan },
): Promise<{ notes: readonly string[]; signed: readonly string[] }> {
  const { esp, partitions, copies } = bootLoader, { clone, facts } = options;
  const firmware = await FirmwareEntries.read(options);
  const grubMakesEntry = partitions.length === 1 && firmware !== undefined;
  const wroteEntry = await installLoader(esp, { ...options, loader: bootLoader.loader, grubMakesEntry });
  await proveFallback(clone, { esp, facts });
  const program = await loaderProgram(clone, { esp, facts, distribution: options.distribution });
  const { paths: signed, notes } = await proveSecureStart(options, { esp, program });
  await fillCopies(target, { clone, esp, copies });
  if (firmware === undefined) {
    const note = `the firmware gives no access to its boot entries: only ${FALLBACK} on ${
      [...partitions, ...copies].map((volume) => target.device(volume)).join(" and ")
    } starts it`;
    return { notes: [...notes, note], signed };
  }
  const places = [...partitions, ...copies];
  // each new entry becomes the first: the disk that is mounted comes last
  for (const [i, { disk, number }] of [...places.entries()].toReversed()) {
    if (i === 0 && wroteEntry) {
      await firmware.putFirst();
      continue;
    }
    await firmware.add({
      device: target.whole(disk),
      number,
      program,
      suffix: i === 0 ? "" : ` (disk ${disk + 1})`,
    });
  }
  await firmware.keepNetworkFirst();
  return { notes: [...notes, ...await enrolKeys(options, { esp, program })], signed };
}

async function enrolKeys(
  { secureBoot, clone }: Pick<BootLoaderOptions, "secureBoot" | "clone">,
  { esp, program }: { readonly esp: string; readonly program: string },
): Promise<string[]> {
  if (secureBoot === undefined) return [];
  const programs = await Promise.all(
    [program, FALLBACK].map(async (name) => ({
      name,
      content: await clone.bytes(`${esp}/${name}`, { maxBytes: LOADER_BYTES }),
    })),
  );
  const done = [
    await enrolSecureBoot(secureBoot, { programs }),
    await askShim(secureBoot, { clone, shim: `${esp}/${program}`, content: programs[0]?.content }),
  ];
  return done.filter((note) => note !== undefined);
}

async function askShim(
  { mok }: SecureBootOrder,
  { clone, shim, content }: {
    readonly clone: CloneTree;
    readonly shim: string;
    readonly content: Uint8Array | undefined;
  },
): Promise<string | undefined> {
  if (mok === undefined || content === undefined) return undefined;
  if (shimAnchors(fileOfBytes(content), { name: shim }) === undefined) return undefined;
  return await requestMok(Uint8Array.fromBase64(mok), { tree: clone, shim });
}

/** Returns whether it made the firmware's entry for the mounted ESP, too. */
async function installLoader(
  esp: string,
  { loader, grubMakesEntry, ...options }: BootLoaderOptions & {
    readonly loader: BootLoaderOptions["facts"]["loader"];
    readonly grubMakesEntry: boolean;
  },
): Promise<boolean> {
  switch (loader) {
    case "grub":
      // signed by the distribution, and already on the ESP as files of the image
      if (options.facts.packaged) return false;
      await installGrubOnEsp(esp, { ...options, makesEntry: grubMakesEntry });
      return grubMakesEntry;
    case "systemd-boot":
      await installSystemdBoot(esp, options);
      return false;
    case "uki":
      await installUnified(esp, options);
      return false;
  }
}

/** Proves that the configuration looks for this root, by a name that is the same on every machine. */
async function proveBootConfig({ clone, disks }: BootLoaderOptions): Promise<void> {
  const texts = await bootTexts(clone);
  if (texts.length === 0) {
    throw new RackseedError(TITLE, {
      reason: "the image has no grub.cfg below /boot, no loader entry and no unified kernel image.",
      remedy:
        "run `update-grub` (RHEL: grub2-mkconfig -o /boot/grub2/grub.cfg) on the template, capture it again.",
    });
  }
  const obstacle = rootObstacle(texts, disks);
  if (obstacle === undefined) return;
  throw new RackseedError(TITLE, {
    reason: `the boot configuration (${
      texts.slice(0, 3).map(({ path }) => path).join(", ")
    }) does not find the root: ${obstacle}.`,
    remedy:
      "on the template remove GRUB_DISABLE_LINUX_UUID from /etc/default/grub, run `update-grub` (or correct the " +
      "loader's entries), capture it again.",
  });
}
