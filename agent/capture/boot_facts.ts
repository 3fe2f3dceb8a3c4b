/** Reads how the machine boots, for clones that boot in the same way. */
import type { BootFacts } from "#contract/format/boot.ts";
import { describeVolume, type DiskLayout, isEspPartition, type Volume } from "#contract/format/layout.ts";
import { disksBelow } from "#contract/format/volume_tree.ts";
import type { Source } from "#contract/format/manifest.ts";
import { readBootFacts } from "../boot_config/boot_facts.ts";
import { firstBootLack } from "../boot_config/first_boot.ts";
import { initramfsLimits } from "../boot_config/initramfs_limits.ts";
import { kernelName } from "../disk_references/template_disks.ts";
import { identityOf, probe } from "../layout/device_probe.ts";
import type { Run } from "../sys/command.ts";
import { storageDrivers } from "../sys/storage_drivers.ts";
import { hasProgram } from "../tree/programs.ts";
import type { TreeReader } from "../tree/tree_files.ts";

/** Of the Boot Loader Interface, systemd.io/BOOT_LOADER_INTERFACE: 4 bytes of attributes, then UTF-16. */
const LOADER_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

/** Undefined if no boot loader is found. */
export async function bootFacts(
  tree: TreeReader,
  { layout, source, run }: {
    layout: DiskLayout;
    source: Pick<Source, "firmware" | "distribution">;
    run: Run;
  },
): Promise<BootFacts | undefined> {
  const root = layout.fileSystems.find(({ mountPoint }) => mountPoint === "/");
  const disks = root ? disksBelow([root.volume, ...root.more ?? []], layout) : [];
  const facts = await readBootFacts(tree, {
    layout,
    ...source,
    copies: source.firmware === "uefi" ? await espCopies(layout, { disks, run }) : [],
    drivers: await storageDrivers(disks.flatMap((disk) => layout.disks[disk]?.name ?? [])),
    loaderInfo: await loaderInfo(),
  });
  if (facts === undefined) return undefined;
  const multipath = await hasProgram(tree, "multipathd"), noFirstBoot = await firstBootLack(tree);
  return {
    ...facts,
    ...(multipath && { multipath }),
    ...(noFirstBoot !== undefined && { noFirstBoot }),
    ...await initramfsLimits(tree, facts),
  };
}

/** EFI system partitions on the root's disks that are not mounted: a mirror has one on each disk. */
async function espCopies(
  layout: DiskLayout,
  { disks, run }: { disks: readonly number[]; run: Run },
): Promise<NonNullable<BootFacts["copies"]>> {
  const used = new Set(usedVolumes(layout).map(describeVolume));
  const copies: NonNullable<BootFacts["copies"]> = [];
  for (const disk of disks) {
    const table = layout.disks[disk];
    for (const { number } of table?.partitions.filter(isEspPartition) ?? []) {
      const volume: Volume = { kind: "partition", disk, number };
      if (table === undefined || used.has(describeVolume(volume))) continue;
      const facts = await probe(kernelName(table.name.replaceAll("!", "/"), number), run);
      if (facts.get("TYPE") === "vfat") copies.push({ volume, ...identityOf(facts) });
    }
  }
  return copies;
}

function usedVolumes({ fileSystems, swap, arrays = [], encrypted = [], groups = [] }: DiskLayout): Volume[] {
  return [
    ...fileSystems.flatMap((f) => [f.volume, ...f.more ?? []]),
    ...swap.map(({ volume }) => volume),
    ...arrays.flatMap(({ members, spares }) => [...members, ...spares]),
    ...encrypted.map(({ on }) => on),
    ...groups.flatMap(({ physical }) => physical.map(({ volume }) => volume)),
  ];
}

async function loaderInfo(): Promise<string | undefined> {
  try {
    const bytes = await Deno.readFile(LOADER_INFO);
    return Buffer.from(bytes.subarray(4)).toString("utf16le").replace(/\0.*$/s, "");
  } catch {
    return undefined;
  }
}
