/**
 * What a system's own boot loader would start by itself: kernel, initramfs and command line. The loader's choice can
 * depend on what only it knows; then there is no answer rather than a guess.
 */
import type { BootFacts } from "#contract/format/boot.ts";
import { RackseedError } from "#contract/errors.ts";
import type { TreeReader } from "../tree/tree_files.ts";
import { type BlsEntry, inGrubsOrder, inSystemdsOrder, parseBlsEntry, startedByBls } from "./bls_entries.ts";
import { fileOf } from "./boot_paths.ts";
import { unifiedKernels } from "./esp_programs.ts";
import { chooseItem, type GrubMenu, parseGrubMenu, type Started, startedBy } from "./grub_menu.ts";
import type { Lookup } from "./grub_words.ts";
import { commandLineOf } from "./unified_kernel.ts";

/** Paths in the tree. */
export type DefaultEntry =
  | {
    readonly kind: "files";
    readonly title: string;
    readonly kernel: string;
    readonly initrds: readonly string[];
    readonly commandLine: string;
  }
  /** A unified kernel image, which holds all of it. */
  | {
    readonly kind: "unified";
    readonly title: string;
    readonly image: string;
    readonly commandLine: string;
  };

const ESPS = ["/boot/efi", "/efi", "/boot"];
const GRUB_FOLDERS = ["/boot/grub2", "/boot/grub"];
/** They choose a screen mode, and each of their values does. */
const HARMLESS = new Set(["vt_handoff", "gfxpayload", "linux_gfx_mode"]);

/** Throws RackseedError if that cannot be told. */
export async function defaultEntry(
  tree: TreeReader,
  { loader, grubFolder }: Pick<BootFacts, "loader" | "grubFolder">,
): Promise<DefaultEntry> {
  switch (loader) {
    case "grub":
      return await grubEntry(tree, grubFolder ? [grubFolder, ...GRUB_FOLDERS] : GRUB_FOLDERS);
    case "systemd-boot":
      return await systemdEntry(tree);
    case "uki":
      return await unifiedEntry(tree, await allUnified(tree));
  }
}

function unclear(reason: string): RackseedError {
  return new RackseedError("cannot tell what the boot loader would start", {
    reason: `${reason}.`,
    remedy: "restart through the firmware.",
  });
}

async function grubEntry(tree: TreeReader, folders: readonly string[]): Promise<DefaultEntry> {
  for (const folder of new Set(folders)) {
    const text = await textBehind(tree, `${folder}/grub.cfg`);
    if (text === undefined || !/^\s*(menuentry|submenu|blscfg)\b/m.test(text)) continue;
    const environment = environmentOf(await textBehind(tree, `${folder}/grubenv`) ?? "");
    return await chosenByGrub(tree, { menu: parseGrubMenu(text), environment });
  }
  throw unclear("there is no menu of GRUB below /boot");
}

async function chosenByGrub(
  tree: TreeReader,
  { menu, environment }: { menu: GrubMenu; environment: ReadonlyMap<string, string> },
): Promise<DefaultEntry> {
  // GRUB starts it once, and writes down that it did
  if (environment.get("next_entry")) throw unclear("GRUB's next start is to be another entry (next_entry)");
  const lookup = lookupIn(menu, environment);
  const wanted = (menu.default ?? "0").replaceAll(/\$\{(\w+)\}/g, (_, name: string) => lookup(name)) || "0";
  const entries = menu.hasBls ? inGrubsOrder(await blsEntries(tree, "/boot/loader/entries")) : [];
  const byId = entries.find(({ id, title }) => id === wanted || title === wanted);
  const entry = byId ?? (/^\d+$/.test(wanted) ? entries[Number(wanted)] : undefined);
  if (entry) return await filesOf(tree, { title: entry.title, started: startedByBls(entry, lookup) });
  const item = chooseItem(menu.items, wanted);
  const [newest] = entries;
  // a default that is nowhere means the first of all
  if (newest && (item === undefined || item === menu.items[0])) {
    return await filesOf(tree, { title: newest.title, started: startedByBls(newest, lookup) });
  }
  if (item === undefined) throw unclear("GRUB's menu has no entry");
  return await filesOf(tree, { title: item.title, started: startedBy(item, lookup) });
}

/** A variable has the environment's value, else what the menu gives it; one that nothing sets is empty. */
function lookupIn({ values }: GrubMenu, environment: ReadonlyMap<string, string>): Lookup {
  return (name) => {
    const kept = environment.get(name);
    if (kept !== undefined) return kept;
    const [only, ...others] = values.get(name) ?? [];
    if (others.length === 0) return only ?? "";
    if (HARMLESS.has(name)) return "";
    throw unclear(`GRUB's variable ${name} depends on conditions`);
  };
}

/** "name=value" lines of GRUB's environment block. */
function environmentOf(block: string): Map<string, string> {
  const found = [...block.matchAll(/^(\w+)=(.*)$/gm)];
  return new Map(found.map(([, name = "", value = ""]) => [name, value.replaceAll(/\\(.)/g, "$1")]));
}

async function systemdEntry(tree: TreeReader): Promise<DefaultEntry> {
  const settings = (await Promise.all(ESPS.map((esp) => tree.text(`${esp}/loader/loader.conf`))))
    .find((text) => text !== undefined) ?? "";
  const wanted = /^default\s+(\S+)/m.exec(settings)?.[1];
  if (wanted?.startsWith("@")) throw unclear(`systemd-boot's default is ${wanted}, which the firmware keeps`);
  const files = (await Promise.all(ESPS.map((esp) => blsEntries(tree, `${esp}/loader/entries`)))).flat();
  const entries = inSystemdsOrder(files.filter(({ linux }) => linux !== undefined));
  const images = await allUnified(tree);
  const matches = (name: string) => wanted === undefined || globOf(wanted).test(name);
  const entry = entries.find(({ id }) => matches(`${id}.conf`) || matches(id));
  const named = images.filter((path) => matches(path.slice(path.lastIndexOf("/") + 1)));
  if (entry && named.length === 0) {
    return await filesOf(tree, { title: entry.title, started: startedByBls(entry) });
  }
  if (!entry && named.length > 0) return await unifiedEntry(tree, named.slice(0, 1));
  if (entry) throw unclear("systemd-boot has both entries and unified kernel images");
  const [first] = entries;
  if (first && images.length === 0) {
    return await filesOf(tree, { title: first.title, started: startedByBls(first) });
  }
  throw unclear("no entry of systemd-boot is its default");
}

/** A pattern of loader.conf(5). */
function globOf(pattern: string): RegExp {
  const parts = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${parts}$`, "i");
}

async function blsEntries(tree: TreeReader, folder: string): Promise<BlsEntry[]> {
  const paths = (await tree.list(folder)).filter((path) => path.endsWith(".conf"));
  const entries = await Promise.all(paths.map(async (path) => {
    const text = await tree.text(path);
    return text === undefined ? [] : [parseBlsEntry(path.slice(path.lastIndexOf("/") + 1), text)];
  }));
  return entries.flat();
}

/** Kernels of all boot entries, as paths in the tree. */
export async function blsKernels(tree: TreeReader): Promise<string[]> {
  const entries = (await Promise.all(ESPS.map((esp) => blsEntries(tree, `${esp}/loader/entries`)))).flat();
  const paths = await Promise.all(
    entries.map(({ linux }) => linux === undefined ? undefined : fileOf(tree, linux)),
  );
  return paths.filter((path) => path !== undefined);
}

async function allUnified(tree: TreeReader): Promise<string[]> {
  return (await Promise.all(ESPS.map((esp) => unifiedKernels(tree, esp)))).flat();
}

async function unifiedEntry(tree: TreeReader, images: readonly string[]): Promise<DefaultEntry> {
  const [image, ...others] = images;
  const at = image === undefined ? undefined : await tree.file(image);
  if (image === undefined || at === undefined) throw unclear("there is no unified kernel image");
  if (others.length > 0) throw unclear("there are several unified kernel images, and the firmware chooses");
  return { kind: "unified", title: image, image, commandLine: await commandLineOf(at) ?? "" };
}

async function filesOf(
  tree: TreeReader,
  { title, started }: { title: string; started: Started | undefined },
): Promise<DefaultEntry> {
  if (started === undefined) throw unclear(`the entry "${title}" does not simply start a Linux kernel`);
  const [kernel, ...initrds] = await Promise.all(
    [started.kernel, ...started.initrds].map(async (word) => {
      const path = await fileOf(tree, word);
      if (path === undefined) throw unclear(`${word} of the entry "${title}" is no file`);
      return path;
    }),
  );
  return { kind: "files", title, kernel: kernel as string, initrds, commandLine: started.commandLine };
}

/** The text of a file; on UEFI, GRUB's files may be links to the EFI system partition. */
async function textBehind(tree: TreeReader, path: string): Promise<string | undefined> {
  const target = await tree.linkTarget(path);
  if (target === undefined) return await tree.text(path);
  const parts: string[] = [];
  const from = target.startsWith("/") ? "" : path.slice(0, path.lastIndexOf("/"));
  for (const part of `${from}/${target}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return await tree.text(`/${parts.join("/")}`);
}
