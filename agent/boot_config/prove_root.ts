/** Proves that a system's boot configuration finds its root on every clone. Pure. */
import { describeVolume, type FileSystem } from "#contract/format/layout.ts";
import type { TemplateDisks } from "../disk_references/template_disks.ts";

export interface BootText {
  readonly path: string;
  readonly text: string;
}

/** Files that hold kernel command lines, or lead to them. */
const BOOT_FILE =
  /^(\/boot(\/efi)?|\/efi)\/(grub2?\/(grub\.cfg|grubenv)|loader\/entries\/.*\.conf|EFI\/[^\/]+\/(grub\.cfg|grubenv)|(ext|sys)linux\/\w+\.(conf|cfg))$/i;

export function isBootFile(path: string): boolean {
  return BOOT_FILE.test(path);
}

const ROOT = /(?<![\w.-])root=["']?((?:(?:PART)?(?:UUID|LABEL)=|\/dev\/)[^\s"']{1,300})/g;
const SUBVOLUME = /(?<![\w.-])rootflags=["']?(?:[^\s"']{0,200},)?subvol=\/?([^\s,"']{1,300})/g;

/** Why no clone would find its root, as text; undefined if one would. */
export function rootObstacle(texts: readonly BootText[], disks: TemplateDisks): string | undefined {
  const root = disks.layout.fileSystems.find(({ mountPoint }) => mountPoint === "/");
  if (root === undefined) return "there is no root file system";
  const named = texts.flatMap(({ text }) => [...text.matchAll(ROOT)].map(([, name = ""]) => name));
  const isFound = named.length > 0
    ? named.some((name) => means(name, { root, disks }))
    // a variable, or a search by UUID with the root's own /boot
    : texts.some(({ text }) => mentions(text, { root, disks }));
  if (!isFound) {
    const found = [...new Set(named)].slice(0, 3).join(", ");
    return `it names the root file system neither by a UUID or label nor by the name of a volume${
      found && ` (root=${found})`
    }`;
  }
  return subvolumeObstacle(texts, root);
}

function means(name: string, { root, disks }: { root: FileSystem; disks: TemplateDisks }): boolean {
  const meaning = disks.meaning(name);
  const volume = meaning.is === "lasting" ? meaning.of : meaning.is === "volume" ? meaning.volume : undefined;
  return volume !== undefined &&
    [root.volume, ...root.more ?? []].some((v) => describeVolume(v) === describeVolume(volume));
}

function mentions(text: string, { root, disks }: { root: FileSystem; disks: TemplateDisks }): boolean {
  const lower = text.toLowerCase(), meaning = disks.mountedAt("/");
  const partUuid = meaning && disks.partSpec(meaning);
  return [root.uuid, root.label && `LABEL=${root.label}`, partUuid].some((name) =>
    name && lower.includes(name.toLowerCase())
  );
}

function subvolumeObstacle(texts: readonly BootText[], root: FileSystem): string | undefined {
  const { btrfs } = root.mkfs;
  if (btrfs === undefined) return undefined;
  const known = new Set(["", ...btrfs.subvolumes.map(({ path }) => path)]);
  const asked = texts.flatMap(({ text }) => [...text.matchAll(SUBVOLUME)].map(([, path = ""]) => path));
  if (asked.length === 0 || asked.some((path) => known.has(path.replace(/\/+$/, "")))) return undefined;
  return `it wants the subvolume ${asked[0]} of the root file system, which is not captured`;
}
