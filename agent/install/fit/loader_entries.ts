/**
 * Boot Loader Specification entries are named by the machine-id, and a clone has a machine-id of its own. The system's
 * kernel-install(8) finds the entries of kernels that it removes by that name, so the two are brought together.
 */
import type { BootFacts } from "#contract/format/boot.ts";
import { changeEnvironment } from "../../disk_references/grub_environment.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

interface OwnEntries {
  readonly notes: readonly string[];
  /** Files outside of the loader's folders. */
  readonly written: readonly string[];
}

const NOTHING: OwnEntries = { notes: [], written: [] };
const RHEL_ENTRIES = "/boot/loader/entries";
const TOKEN = "/etc/kernel/entry-token";

/** `own`: the clone's machine-id; `esp`: where the EFI system partition is mounted. */
export async function ownEntries(
  clone: CloneTree,
  { facts, own, esp }: { facts: BootFacts; own: string | undefined; esp: string | undefined },
): Promise<OwnEntries> {
  if (own === undefined) return NOTHING;
  return facts.loader === "grub"
    ? await renameEntries(clone, { facts, own })
    : await keepToken(clone, { facts, esp, own });
}

/** RHEL, Fedora: "MACHINE_ID-RELEASE.conf". The rescue entry names a kernel with the old id, and stays. */
async function renameEntries(
  clone: CloneTree,
  { facts: { grubFolder }, own }: { facts: BootFacts; own: string },
): Promise<OwnEntries> {
  const names = (await clone.list(RHEL_ENTRIES)).map((path) => path.slice(RHEL_ENTRIES.length + 1));
  const old = onlyOther(names, own);
  if (old === undefined) return NOTHING;
  for (const name of names) {
    if (!name.startsWith(`${old}-`) || name.startsWith(`${old}-0-rescue`)) continue;
    const to = `${RHEL_ENTRIES}/${own}${name.slice(old.length)}`;
    await clone.move(`${RHEL_ENTRIES}/${name}`, to);
    clone.changed.add(to);
  }
  const environment = `${grubFolder}/grubenv`;
  const before = await clone.bytes(environment, { maxBytes: 4096 });
  const block = before && Buffer.from(before).toString("latin1");
  const after = block && changeEnvironment(
    block,
    (lines) => lines.replace(new RegExp(`^(saved_entry=)${old}-(?!0-rescue)`, "m"), `$1${own}-`),
  );
  if (after && after !== block) await clone.rewrite(environment, Buffer.from(after, "latin1"));
  return { notes: ["boot entries named by this machine's id"], written: [] };
}

/** systemd: folders, entries and images are named by a token, which need not be the machine-id (kernel-install(8)). */
async function keepToken(
  clone: CloneTree,
  { facts: { entries }, esp, own }: { facts: BootFacts; esp: string | undefined; own: string },
): Promise<OwnEntries> {
  if (await clone.kind(TOKEN) !== undefined) return NOTHING;
  const folders = [...entries, ...esp === undefined ? [] : [`${esp}/EFI/Linux`]];
  const paths = (await Promise.all(folders.map((folder) => clone.list(folder)))).flat();
  const old = onlyOther(paths.map((path) => path.slice(path.lastIndexOf("/") + 1)), own);
  if (old === undefined) return NOTHING;
  await clone.write(TOKEN, { text: `${old}\n`, mode: 0o644 });
  return { notes: [`boot entries keep the image's name for them (${TOKEN})`], written: [TOKEN] };
}

/** The machine-id at the start of names, if it is another than this machine's, and the only one. */
function onlyOther(names: readonly string[], own: string): string | undefined {
  const found = names.flatMap((name) => /^([0-9a-f]{32})-.+\.(?:conf|efi)$/.exec(name)?.[1] ?? []);
  const [old, ...others] = new Set(found.filter((id) => id !== own));
  return others.length === 0 ? old : undefined;
}
