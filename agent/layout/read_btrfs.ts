/** Reads a mounted btrfs: superblocks of its devices, profiles, and the subvolumes with their mounts. */
import type { FileSystem, Volume } from "#contract/format/layout.ts";
import { defaultSubvolumeOf, hasQuotas, spacesOf, subvolumesOf } from "../sys/btrfs.ts";
import type { Run } from "../sys/command.ts";
import { SysError } from "../sys/errno.ts";
import type { MountEntry } from "../sys/mount_table.ts";
import type { Device } from "./block_devices.ts";
import type { ReadStart } from "./device_probe.ts";
import {
  BTRFS_SUPERBLOCK_BYTES,
  type BtrfsSuperblock,
  parseBtrfsSuperblock,
  profilesOf,
} from "./properties/btrfs.ts";
import { describeListed } from "./properties/btrfs_subvolumes.ts";
import type { Found } from "./properties/found.ts";

/** What a btrfs has more than other file systems. */
export interface MountedBtrfs {
  /** All its devices that are there. */
  readonly members: readonly { readonly device: Device; readonly volume: Volume }[];
  /** One mount for each of its mounted subvolumes, its own first. */
  readonly mounts: readonly MountEntry[];
  /** Calls `use` with a descriptor of its own mount; undefined if that cannot be opened. */
  readonly withTree: <T>(use: (fd: number) => T) => T | undefined;
}

interface ReadBtrfs extends Found {
  readonly mkfs: FileSystem["mkfs"];
  /** In the order of its device numbers. */
  readonly volumes: readonly Volume[];
}

export async function readBtrfs(
  { members, mounts, withTree }: MountedBtrfs,
  { run, readStart }: { run: Run; readStart: ReadStart },
): Promise<ReadBtrfs> {
  const choices = { features: await listed("-O", run), runtime: await listed("-R", run) };
  const devices = await Promise.all(members.map(async ({ device, volume }) => ({
    volume,
    superblock: parseBtrfsSuperblock(await readStart(device.path, BTRFS_SUPERBLOCK_BYTES), choices),
  })));
  devices.sort((a, b) => a.superblock.device - b.superblock.device);
  const superblocks = devices.map(({ superblock }) => superblock);
  const asked = ask(withTree);
  const { spaces = [], subvolumes = [], defaultId = 0, hasQuotas = false } = asked;
  const described = describeListed({ subvolumes, defaultId, mounts });
  const { notes: profileNotes, ...profiles } = profilesOf(spaces);
  const { properties } = superblocks[0] as BtrfsSuperblock;
  return {
    volumes: devices.map(({ volume }) => volume),
    mkfs: {
      features: [],
      blockBytes: properties.sectorBytes,
      btrfs: { ...properties, ...profiles, ...described.properties },
    },
    obstacle: obstacleOf(superblocks) ?? asked.obstacle ?? described.obstacle,
    notes: [
      ...profileNotes,
      ...described.notes,
      ...hasQuotas ? ["its quota groups are not captured: set their limits again on clones"] : [],
    ],
  };
}

interface Asked {
  readonly spaces?: ReturnType<typeof spacesOf>;
  readonly subvolumes?: ReturnType<typeof subvolumesOf>;
  readonly defaultId?: number;
  readonly hasQuotas?: boolean;
  readonly obstacle?: string;
}

function ask(withTree: MountedBtrfs["withTree"]): Asked {
  try {
    const found = withTree((fd) => ({
      spaces: spacesOf(fd),
      subvolumes: subvolumesOf(fd),
      defaultId: defaultSubvolumeOf(fd),
      hasQuotas: hasQuotas(fd),
    }));
    return found ?? { obstacle: "it cannot be opened" };
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return { obstacle: `its subvolumes cannot be listed (${error.code}); run the agent as root` };
  }
}

function obstacleOf(superblocks: readonly BtrfsSuperblock[]): string | undefined {
  const [first] = superblocks;
  if (first === undefined) return "none of its devices is there";
  if (first.devices !== superblocks.length) {
    return `${superblocks.length} of its ${first.devices} devices are there`;
  }
  if (superblocks.some(({ uuid }) => uuid !== first.uuid)) return "it has grown from a seed device";
  return superblocks.find(({ obstacle }) => obstacle !== undefined)?.obstacle;
}

/** The list of features that mkfs.btrfs knows; "" if the program is missing, which is an obstacle of its own. */
async function listed(option: "-O" | "-R", run: Run): Promise<string> {
  try {
    const { stdout, stderr } = await run(["mkfs.btrfs", option, "list-all"], { accept: [0, 1] });
    return stdout + stderr;
  } catch {
    return "";
  }
}
