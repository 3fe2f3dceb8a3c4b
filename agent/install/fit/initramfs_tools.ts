/** update-initramfs(8) of Debian and its derivatives. */
import { lockedBelowRoot } from "../../boot_config/initramfs_needs.ts";
import { type InitramfsOptions, TIMEOUT_MS } from "./initramfs_options.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

/** Read after all others, and removed again: it only serves this one run. */
const SETTINGS = "/etc/initramfs-tools/conf.d/zz-rackseed";
const KEY_SETTINGS = "/etc/cryptsetup-initramfs/conf-hook";

export async function makeWithInitramfsTools(
  clone: CloneTree,
  { facts, disks, run, signal }: InitramfsOptions,
): Promise<string[]> {
  const keyFiles = lockedBelowRoot(disks).flatMap((name) => disks.clone.unlock?.get(name)?.keyFile ?? []);
  const keySettings = keyFiles.length > 0 ? await allowKeyFiles(clone, keyFiles) : [];
  const settings = [...facts.hostOnly ? ["MODULES=most"] : [], ...keyFiles.length > 0 ? ["UMASK=0077"] : []];
  if (settings.length > 0) await clone.write(SETTINGS, { text: `${settings.join("\n")}\n`, mode: 0o644 });
  try {
    await run(["update-initramfs", "-u", "-k", "all"], {
      root: clone.root,
      signal,
      timeoutMs: TIMEOUT_MS,
      title: "cannot rebuild the clone's initramfs",
    });
  } finally {
    // with a key in it, nobody but root may ever read it
    if (settings.length > 0 && keyFiles.length === 0) await clone.remove(SETTINGS);
  }
  const images = (await clone.list("/boot")).filter((path) => /^\/boot\/initrd\.img-/.test(path));
  // older versions keep the images' checksums there
  return [...images, ...await clone.list("/var/lib/initramfs-tools"), ...keySettings];
}

/** cryptsetup-initramfs copies only the key files that its pattern matches. */
async function allowKeyFiles(clone: CloneTree, keyFiles: readonly string[]): Promise<string[]> {
  const before = await clone.text(KEY_SETTINGS) ?? "";
  const line = `KEYFILE_PATTERN="${keyFiles.join(":")}"`;
  if (before.split("\n").includes(line)) return [];
  const kept = before.split("\n").filter((l) => !/^\s*KEYFILE_PATTERN=/.test(l)).join("\n").trimEnd();
  await clone.write(KEY_SETTINGS, { text: `${kept}\n${line}\n`.trimStart(), mode: 0o644 });
  return [KEY_SETTINGS];
}
