/** Entries of the Boot Loader Specification, type #1, and which of them a loader starts by itself. Pure. */
import { grubsCommandLine, type Started } from "./grub_menu.ts";
import { type Lookup, wordsOf } from "./grub_words.ts";

export interface BlsEntry {
  /** The file's name without ".conf", and without its count of attempts ("+3-1"). */
  readonly id: string;
  readonly title: string;
  readonly sortKey: string;
  readonly version: string;
  readonly machineId: string;
  readonly linux: string | undefined;
  readonly initrds: readonly string[];
  readonly options: readonly string[];
}

export function parseBlsEntry(name: string, text: string): BlsEntry {
  const fields = text.split("\n").flatMap((line): [string, string][] => {
    const [, key, value = ""] = /^\s*([a-z][\w-]*)\s+(.*?)\s*$/.exec(line) ?? [];
    return key === undefined ? [] : [[key, value]];
  });
  const all = (key: string) => fields.flatMap(([name, value]) => name === key ? [value] : []);
  const last = (key: string) => all(key).at(-1);
  return {
    id: name.replace(/\.conf$/, "").replace(/\+\d+(-\d+)?$/, ""),
    title: last("title") ?? name,
    sortKey: last("sort-key") ?? "",
    version: last("version") ?? "",
    machineId: last("machine-id") ?? "",
    linux: last("linux"),
    initrds: all("initrd"),
    options: all("options"),
  };
}

const byVersion = (a: string, b: string) => b.localeCompare(a, "en", { numeric: true });

/** As GRUB's blscfg orders them: the newest first, by the files' names. */
export function inGrubsOrder(entries: readonly BlsEntry[]): BlsEntry[] {
  return [...entries].sort((a, b) => byVersion(a.id, b.id));
}

/** As systemd-boot orders them: those with a sort-key first; the newest version of a system before the others. */
export function inSystemdsOrder(entries: readonly BlsEntry[]): BlsEntry[] {
  return [...entries].sort((a, b) =>
    Number(a.sortKey === "") - Number(b.sortKey === "") ||
    (a.sortKey !== "" && b.sortKey !== ""
      ? a.sortKey.localeCompare(b.sortKey) || a.machineId.localeCompare(b.machineId) ||
        byVersion(a.version, b.version)
      : 0) ||
    byVersion(a.id, b.id)
  );
}

/** Undefined if it starts no Linux. `lookup`: GRUB expands its variables in entries, systemd-boot has none; may throw. */
export function startedByBls(entry: BlsEntry, lookup?: Lookup): Started | undefined {
  if (lookup === undefined) {
    const { linux: kernel, initrds, options } = entry;
    return kernel === undefined ? undefined : { kernel, initrds, commandLine: options.join(" ") };
  }
  const words = (texts: readonly string[]) => texts.flatMap((text) => wordsOf(text, lookup));
  const [kernel] = words(entry.linux === undefined ? [] : [entry.linux]);
  if (kernel === undefined) return undefined;
  return {
    kernel,
    initrds: words(entry.initrds),
    commandLine: grubsCommandLine(kernel, words(entry.options)),
  };
}
