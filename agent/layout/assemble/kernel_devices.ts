/** The kernel's own names of block devices, and which devices use others, from sysfs. */
import { exists, firstLine, namesIn } from "../../sys/small_file.ts";

/** "dm-3" for /dev/mapper/vg0-root. Throws if there is no such block device. */
export async function kernelNameOf(device: string): Promise<string> {
  const { rdev, isBlockDevice } = await Deno.stat(device);
  if (!isBlockDevice || rdev === null) throw new RangeError(`${device} is not a block device`);
  // the kernel's old encoding, as stat(2) returns it: eight bits of the minor, twelve of the major, the rest
  const major = (rdev >>> 8) & 0xfff, minor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
  const link = await Deno.readLink(`/sys/dev/block/${major}:${minor}`);
  return link.slice(link.lastIndexOf("/") + 1);
}

/** The devices that use this one: "md127", "dm-0". */
export async function holdersOf(device: string): Promise<string[]> {
  return await namesIn(`/sys/class/block/${await kernelNameOf(device)}/holders`);
}

/** Device mapper's name and UUID of dm-3: "vg0-root", "LVM-…", "CRYPT-LUKS2-…". */
export async function mapperNames(kernelName: string): Promise<{ name: string; uuid: string } | undefined> {
  const at = `/sys/class/block/${kernelName}/dm`;
  const name = await firstLine(`${at}/name`);
  return name === undefined ? undefined : { name, uuid: await firstLine(`${at}/uuid`) ?? "" };
}

/** The names of the disks that a device lies on. */
export async function disksBelow(kernelName: string): Promise<string[]> {
  const at = `/sys/class/block/${kernelName}`;
  const lower = await namesIn(`${at}/slaves`);
  if (lower.length > 0) return (await Promise.all(lower.map(disksBelow))).flat();
  if (!await exists(`${at}/partition`)) return [kernelName];
  // a partition's directory lies in its disk's
  return [(await Deno.realPath(at)).split("/").at(-2) ?? kernelName];
}
