/**
 * Makes the clone bootable: runs the image's own grub-install in the clone's tree, then checks that its configuration
 * finds this root. On UEFI the network stays first if it was first, so that the node can be deployed again.
 */
import { RackseedError } from "#contract/errors.ts";
import type { Volume } from "#contract/format/layout.ts";
import type { CommandOptions, Run } from "../../sys/command.ts";
import { bindKernelTrees } from "../../sys/mount.ts";
import { bootOrderAfter, type EfiBoot, parseEfiBoot } from "./efi_boot_order.ts";
import type { TargetDisks } from "../disk/guard.ts";
import type { Plan } from "#plan/actions.ts";
import type { BootLoaderPlan } from "#plan/plan_boot_loader.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { unlockedFolders } from "../../tree/unlocked_folders.ts";

interface BootLoaderOptions {
  readonly plan: Plan;
  readonly clone: CloneTree;
  /** ID from os-release; the name of the firmware's boot entry. */
  readonly distribution: string;
  readonly run: Run;
  readonly signal?: AbortSignal | undefined;
}

const TITLE = "cannot install the boot loader";

/** Returns what was left out, as text. Throws RackseedError. */
export async function installBootLoader(target: TargetDisks, options: BootLoaderOptions): Promise<string[]> {
  const { plan, clone } = options;
  const action = plan.actions.find((a) => a.do === "boot-loader");
  if (!action) return [];
  const { bootLoader } = action;
  const program = await grubInstall(clone);
  const notes: string[] = [];
  {
    const folders = await Promise.all(["/boot/grub", "/boot/grub2"].map((path) => clone.directory(path)));
    using _unlocked = unlockedFolders(folders.filter((path) => path !== undefined));
    await using _trees = await bindKernelTrees(clone.root);
    if (bootLoader.firmware === "bios") {
      await inClone([program, "--target=i386-pc", "--recheck", target.whole()], options);
    } else {
      notes.push(...await installEfi(target, { ...options, program, bootLoader }));
    }
  }
  await proveBootConfig(clone, plan);
  return notes;
}

async function grubInstall(clone: CloneTree): Promise<"grub-install" | "grub2-install"> {
  for (const name of ["grub-install", "grub2-install"] as const) {
    for (const folder of ["/usr/sbin", "/sbin", "/usr/bin"]) {
      if (await clone.kind(`${folder}/${name}`) !== undefined) return name;
    }
  }
  throw new RackseedError(TITLE, {
    reason: "the image has no grub-install.",
    remedy:
      "install grub-pc or grub-efi-amd64 (RHEL: grub2-pc or grub2-efi-x64-modules) on the template and " +
      "capture it again.",
  });
}

async function installEfi(
  target: TargetDisks,
  options: BootLoaderOptions & {
    readonly program: string;
    readonly bootLoader: Extract<BootLoaderPlan, { firmware: "uefi" }>;
  },
): Promise<string[]> {
  const { program, bootLoader, clone, distribution } = options;
  const install = [program, "--target=x86_64-efi", `--efi-directory=${bootLoader.esp}`, "--recheck"] as const;
  const id = distribution.replace(/[^\w.-]/g, "") || "linux";
  const before = await efiBoot(options);
  // the fallback first: it starts the node even if the firmware accepts no entry
  await inClone([...install, "--removable", "--no-nvram"], options);
  await inClone([...install, `--bootloader-id=${id}`, ...before ? [] : ["--no-nvram"]], options);
  if (await clone.kind(`${bootLoader.esp}/EFI/BOOT/BOOTX64.EFI`) === undefined) {
    throw new RackseedError(TITLE, {
      reason: `${program} wrote no EFI/BOOT/BOOTX64.EFI to ${bootLoader.esp}.`,
      remedy: "check `grub-install --removable` on the template.",
    });
  }
  if (!before) {
    return [
      `the firmware gives no access to its boot entries: only EFI/BOOT/BOOTX64.EFI on ${target.whole()} starts it`,
    ];
  }
  const order = bootOrderAfter(before, await efiBoot(options) ?? before);
  if (order) await inClone(["efibootmgr", "--quiet", "--bootorder", order.join(",")], options);
  return [];
}

/** Undefined if the firmware's variables are not accessible. */
async function efiBoot(options: BootLoaderOptions): Promise<EfiBoot | undefined> {
  const { code, stdout } = await inClone(["efibootmgr"], { ...options, accept: [0, 1, 2] });
  return code === 0 ? parseEfiBoot(stdout) : undefined;
}

function inClone(
  argv: readonly [string, ...string[]],
  { clone, run, signal, accept }: BootLoaderOptions & Pick<CommandOptions, "accept">,
) {
  return run(argv, {
    root: clone.root,
    signal,
    timeoutMs: 5 * 60_000,
    title: TITLE,
    remedy: `check that \`${argv.join(" ")}\` works on the template.`,
    ...(accept && { accept }),
  });
}

/** Proves that the configuration looks for this root, by a name that is the same on every machine. */
async function proveBootConfig(clone: CloneTree, { actions }: Plan): Promise<void> {
  const root =
    actions.flatMap((a) => a.do === "format" && a.formatting.mountPoint === "/" ? [a.formatting] : [])[0];
  const names = [root?.uuid, root?.label && `LABEL=${root.label}`, ...partUuids(actions, root?.volume)];
  const files = ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", ...await clone.list("/boot/loader/entries")];
  const texts = (await Promise.all(files.map((f) => clone.text(f)))).filter((t) => t !== undefined);
  if (texts.length === 0) {
    throw new RackseedError(TITLE, {
      reason: "the image has no grub.cfg below /boot.",
      remedy:
        "run `update-grub` (RHEL: grub2-mkconfig -o /boot/grub2/grub.cfg) on the template, capture it again.",
    });
  }
  if (texts.some((text) => names.some((name) => name && text.toLowerCase().includes(name.toLowerCase())))) {
    return;
  }
  throw new RackseedError(TITLE, {
    reason: "grub.cfg names the root file system neither by its UUID nor by its label.",
    remedy:
      "on the template remove GRUB_DISABLE_LINUX_UUID from /etc/default/grub, run `update-grub`, capture it " +
      "again.",
  });
}

function partUuids(actions: Plan["actions"], volume: Volume | undefined): string[] {
  return actions.flatMap((a) => {
    if (a.do !== "partition" || volume?.kind !== "partition" || volume.disk !== a.disk) return [];
    const uuid = a.partitions.find((p) => p.number === volume.number)?.uuid;
    const dos = a.table === "dos" && a.id
      ? [`PARTUUID=${a.id.replace(/^0x/, "")}-${volume.number.toString(16).padStart(2, "0")}`]
      : [];
    return uuid ? [`PARTUUID=${uuid}`] : dos;
  });
}
