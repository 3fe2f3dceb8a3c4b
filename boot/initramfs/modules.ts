import type { Inventory } from "#contract/api.ts";
import type { ToolUse } from "#contract/tools.ts";
import { type FileSource, readText, resolveFile } from "./file_source.ts";
import { findFirmware } from "./firmware.ts";
import { readModule } from "./module_content.ts";
import { ModuleAliases, moduleName, parseDependencies, parseSoftDependencies } from "./module_index.ts";
import { isDriver, isForeign, isWanted } from "./module_rules.ts";

/** Kernel modules for a node's network, disks and file systems, with what they depend on. */
interface ModuleSelection {
  /** Absolute paths of the modules and of modprobe's index files. */
  readonly files: readonly string[];
  /** Absolute paths of the firmware files that the modules name, if the image has them. */
  readonly firmware: readonly string[];
  readonly moduleCount: number;
}

interface Wanted {
  readonly release: string;
  /** Of the image's layout. */
  readonly uses: ReadonlySet<ToolUse>;
  /** Names of modules in addition to those that the rules include. */
  readonly more: readonly string[];
}

/** A node's hardware. */
export type Controller = NonNullable<Inventory["controllers"]>[number];

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
 * Chooses modules from modules.dep, with their dependencies, soft dependencies (modules.softdep) and firmware.
 *
 * @returns undefined if the source has no modules for this kernel
 */
export async function selectModules(
  source: FileSource,
  { release, uses, more }: Wanted,
): Promise<ModuleSelection | undefined> {
  const folder = `/lib/modules/${release}`;
  const dependencyText = await readText(source, `${folder}/modules.dep`);
  if (dependencyText === undefined) return undefined;
  const dependencies = parseDependencies(dependencyText);
  const byName = new Map([...dependencies.keys()].map((path) => [moduleName(path), path]));
  const aliases = new ModuleAliases(await readText(source, `${folder}/modules.alias`) ?? "");
  const soft = parseSoftDependencies(await readText(source, `${folder}/modules.softdep`) ?? "");

  const chosen = new Set<string>();
  const queue = [
    ...[...dependencies.keys()].filter((path) => isWanted(path, uses)),
    ...await foreignDrivers(source, { folder, paths: [...dependencies.keys()].filter(isForeign) }),
    ...more.flatMap((name) => byName.get(name) ?? []),
  ];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (chosen.has(path)) continue;
    chosen.add(path);
    queue.push(...dependencies.get(path) ?? []);
    for (const requested of soft.get(moduleName(path)) ?? []) {
      for (const name of [requested, ...aliases.named(requested)]) {
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

/** What a kernel has for nodes' hardware. */
interface HardwareDrivers {
  /** Names of modules that the rules leave out; sorted. */
  readonly modules: readonly string[];
  /** Hardware that a node uses with another image's kernel, and that this kernel has no driver for. */
  readonly lacking: readonly Controller[];
}

/** In a modalias of PCI: storage and network controllers. Their drivers have the names of their modules. */
const STORAGE_OR_NETWORK = /bc0[12]sc/;

/** Finds the drivers of a kernel for nodes' hardware. A driver built into the kernel is one as well. */
export async function driversFor(
  source: FileSource,
  { release, uses, hardware }: Pick<Wanted, "release" | "uses"> & { hardware: readonly Controller[] },
): Promise<HardwareDrivers> {
  if (hardware.length === 0) return { modules: [], lacking: [] };
  const folder = `/lib/modules/${release}`;
  const paths = [...parseDependencies(await readText(source, `${folder}/modules.dep`) ?? "").keys()];
  const leftOut = new Set(paths.filter((path) => !isWanted(path, uses)).map(moduleName));
  const aliases = new ModuleAliases(await readText(source, `${folder}/modules.alias`) ?? "");
  // kernels do not say which devices their built-in drivers serve
  const builtIn = (await readText(source, `${folder}/modules.builtin`) ?? "").split("\n").map(moduleName);
  const modules = new Set<string>(), lacking: Controller[] = [];
  for (const controller of hardware) {
    const found = aliases.ofDevice(controller.modalias);
    for (const name of found) if (leftOut.has(name)) modules.add(name);
    const driver = controller.driver?.replaceAll("-", "_");
    const isLacking = found.length === 0 && driver !== undefined && !builtIn.includes(driver);
    if (isLacking && STORAGE_OR_NETWORK.test(controller.modalias)) lacking.push(controller);
  }
  return { modules: [...modules].sort(), lacking };
}

/** Those of the paths that drive a NIC or storage. */
async function foreignDrivers(
  source: FileSource,
  { folder, paths }: { folder: string; paths: readonly string[] },
): Promise<string[]> {
  const drivers: string[] = [];
  for (const path of paths) {
    const content = await readModule(source, `${folder}/${path}`);
    if (content !== undefined && isDriver(content)) drivers.push(path);
  }
  return drivers;
}
