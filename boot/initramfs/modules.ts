import { zstdDecompressSync } from "node:zlib";
import { isElf, readSection } from "./elf.ts";
import { type FileSource, listFolder, readText, resolveFile } from "./file_source.ts";

/** Kernel modules for a node's network, disks and file systems, with what they depend on. */
interface ModuleSelection {
  /** Absolute paths of the modules and of modprobe's index files. */
  readonly files: readonly string[];
  /** Absolute paths of the firmware files that the modules name, if the image has them. */
  readonly firmware: readonly string[];
  readonly moduleCount: number;
}

/** Folders under /lib/modules/RELEASE/kernel that are included whole. */
const wantedFolders = [
  "drivers/net/",
  "drivers/virtio/",
  "drivers/block/",
  "drivers/ata/",
  "drivers/scsi/",
  "drivers/nvme/",
  "drivers/nvdimm/",
  "drivers/md/",
  "drivers/message/",
  "drivers/mmc/",
  "drivers/hv/",
  "drivers/xen/",
  "drivers/pci/",
  "drivers/usb/core/",
  "drivers/usb/host/",
  "drivers/usb/storage/",
  "fs/nls/",
  "lib/",
];

/** Folders inside those that no installation needs. */
const unwantedFolders = [
  "drivers/net/arcnet/",
  "drivers/net/can/",
  "drivers/net/fddi/",
  "drivers/net/hamradio/",
  "drivers/net/ieee802154/",
  "drivers/net/plip/",
  "drivers/net/ppp/",
  "drivers/net/slip/",
  "drivers/net/wan/",
  "drivers/net/wireless/",
  "drivers/net/wwan/",
  "drivers/block/drbd/",
  "lib/test",
];

/** Single modules by name: file systems, the keyboard of a node's console. */
const wantedModules = new Set(
  [
    "ext4 fat vfat xfs btrfs f2fs efivarfs overlay squashfs isofs loop",
    "hid hid_generic usbhid atkbd i8042",
    "qemu_fw_cfg af_packet bonding 8021q ipv6",
  ].join(" ").split(" "),
);

/** In kernel/crypto and kernel/arch: checksums and hashes that file systems request by alias, not as a dependency. */
const wantedCrypto = /^(?:lib)?(?:crc|xxhash|blake2b|sha256|lz4|lzo|zstd|deflate)/;

/** The index files of modprobe(8) and depmod(8). */
const indexFiles = [
  "modules.alias",
  "modules.alias.bin",
  "modules.builtin",
  "modules.builtin.alias.bin",
  "modules.builtin.bin",
  "modules.builtin.modinfo",
  "modules.dep",
  "modules.dep.bin",
  "modules.devname",
  "modules.order",
  "modules.softdep",
  "modules.symbols",
  "modules.symbols.bin",
];

/**
 * Chooses modules from modules.dep, with their dependencies and soft dependencies (modules.softdep). Firmware is
 * found for plain and zstd-compressed modules, but not for modules with other compression (.xz).
 *
 * @returns undefined if the source has no modules for this kernel
 */
export async function selectModules(
  source: FileSource,
  release: string,
): Promise<ModuleSelection | undefined> {
  const folder = `/lib/modules/${release}`;
  const dependencyText = await readText(source, `${folder}/modules.dep`);
  if (dependencyText === undefined) return undefined;
  const dependencies = parseDependencies(dependencyText);
  const byName = new Map([...dependencies.keys()].map((path) => [moduleName(path), path]));
  const aliases = parseAliases(await readText(source, `${folder}/modules.alias`) ?? "");
  const soft = parseSoftDependencies(await readText(source, `${folder}/modules.softdep`) ?? "");

  const chosen = new Set<string>();
  const queue = [...dependencies.keys()].filter(isWanted);
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (chosen.has(path)) continue;
    chosen.add(path);
    queue.push(...dependencies.get(path) ?? []);
    for (const requested of soft.get(moduleName(path)) ?? []) {
      for (const name of [requested, ...aliases.get(requested) ?? []]) {
        const found = byName.get(name);
        if (found !== undefined) queue.push(found);
      }
    }
  }
  const modules = [...chosen].sort().map((path) => `${folder}/${path}`);
  const indexes: string[] = [];
  for (const name of indexFiles) {
    if (await resolveFile(source, `${folder}/${name}`) !== undefined) indexes.push(`${folder}/${name}`);
  }
  return {
    files: [...indexes, ...modules],
    firmware: await findFirmware(source, { modules, release }),
    moduleCount: modules.length,
  };
}

function isWanted(path: string): boolean {
  const inside = path.replace(/^kernel\//, "");
  const name = moduleName(path);
  if (wantedModules.has(name)) return true;
  if (inside.startsWith("crypto/") || inside.startsWith("arch/")) return wantedCrypto.test(name);
  return wantedFolders.some((folder) => inside.startsWith(folder)) &&
    !unwantedFolders.some((folder) => inside.startsWith(folder));
}

/** `kernel/fs/ext4/ext4.ko.xz` → `ext4`. To the kernel, `-` and `_` are the same. */
function moduleName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.ko(\.\w+)?$/, "").replaceAll("-", "_");
}

/** Lines `MODULE: DEPENDENCY…`, with paths relative to the folder. */
function parseDependencies(text: string): Map<string, string[]> {
  const dependencies = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const paths = [line.slice(0, colon), ...line.slice(colon + 1).split(" ").filter((path) => path !== "")];
    if (paths.some((path) => path.startsWith("/") || path.split("/").includes(".."))) continue;
    dependencies.set(paths[0] ?? "", paths.slice(1));
  }
  return dependencies;
}

/** Lines `alias PATTERN MODULE`. Only patterns that are plain names matter here. */
function parseAliases(text: string): Map<string, string[]> {
  const aliases = new Map<string, string[]>();
  for (const [, alias = "", module = ""] of text.matchAll(/^alias ([A-Za-z0-9_-]+) (\S+)$/gm)) {
    const name = alias.replaceAll("-", "_");
    aliases.set(name, [...aliases.get(name) ?? [], module.replaceAll("-", "_")]);
  }
  return aliases;
}

/** Lines `softdep MODULE pre: NAME… post: NAME…`, modprobe.d(5). */
function parseSoftDependencies(text: string): Map<string, string[]> {
  const dependencies = new Map<string, string[]>();
  for (const [, module = "", rest = ""] of text.matchAll(/^softdep (\S+) (.*)$/gm)) {
    const names = rest.split(/\s+/).filter((word) => word !== "" && !word.endsWith(":"));
    const key = module.replaceAll("-", "_");
    dependencies.set(key, [
      ...dependencies.get(key) ?? [],
      ...names.map((name) => name.replaceAll("-", "_")),
    ]);
  }
  return dependencies;
}

async function findFirmware(
  source: FileSource,
  { modules, release }: { modules: readonly string[]; release: string },
): Promise<string[]> {
  const roots = [
    `/lib/firmware/updates/${release}`,
    "/lib/firmware/updates",
    `/lib/firmware/${release}`,
    "/lib/firmware",
  ];
  if ((await Promise.all(roots.map((root) => listFolder(source, root)))).flat().length === 0) return [];
  const named = new Set<string>();
  for (const module of modules) {
    const file = await resolveFile(source, module);
    if (file !== undefined) { for (const name of firmwareOf(await source.read(file))) named.add(name); }
  }
  const found: string[] = [];
  for (const name of named) {
    const candidates = roots.flatMap((root) =>
      ["", ".zst", ".xz"].map((suffix) => `${root}/${name}${suffix}`)
    );
    for (const path of candidates) {
      if (await resolveFile(source, path) === undefined) continue;
      found.push(path);
      break;
    }
  }
  return found.sort();
}

/** The `firmware=` entries of a module's .modinfo, which holds NUL-terminated `key=value` strings. */
function firmwareOf(module: Uint8Array): string[] {
  const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd];
  const plain = zstdMagic.every((byte, index) => module[index] === byte)
    ? zstdDecompressSync(module)
    : module;
  const modinfo = isElf(plain) ? readSection(plain, ".modinfo") : undefined;
  if (modinfo === undefined) return [];
  return new TextDecoder().decode(modinfo).split("\0")
    .filter((line) => line.startsWith("firmware="))
    .map((line) => line.slice("firmware=".length))
    .filter((name) => !name.startsWith("/") && !name.split("/").includes(".."));
}
