/** Where in the file tree the subvolumes of a btrfs show: at their own mount points, and inside one another. Pure. */
import { type BytePath, bytePathOfText } from "./byte_path.ts";
import type { DiskLayout, FileSystem } from "./layout.ts";

interface SubvolumePlaces {
  /** By the subvolume's path, the absolute path at which its content is captured; those without one are not. */
  readonly captured: ReadonlyMap<string, string>;
  /** The places at which a subvolume shows once more. Nothing there is captured, compared or removed. */
  readonly again: readonly string[];
}

/** `mountPoints`: of all file systems; a mount hides what is below it. */
export function subvolumePlaces(
  { mountPoint, mkfs: { btrfs } }: Pick<FileSystem, "mountPoint" | "mkfs">,
  mountPoints: readonly string[],
): SubvolumePlaces {
  const captured = new Map<string, string>(), again: string[] = [];
  if (btrfs === undefined) return { captured, again };
  const { subvolumes, mountedSubvolume, top } = btrfs;
  const topPlace = mountedSubvolume === undefined ? mountPoint : top?.mountPoint;
  if (topPlace !== undefined) captured.set("", topPlace);
  const own = (path: string, at: string | undefined) => path === mountedSubvolume ? mountPoint : at;
  for (const { path, mountPoint: at } of subvolumes) {
    const place = own(path, at);
    if (place !== undefined) captured.set(path, place);
  }
  const paths = new Set(subvolumes.map(({ path }) => path));
  // parents come before their children
  for (const { path } of subvolumes) {
    const parent = parentOf(path, paths);
    const above = captured.get(parent);
    if (above === undefined) continue;
    const shown = join(above, parent === "" ? path : path.slice(parent.length + 1));
    if (mountPoints.some((other) => other !== above && isWithin(other, above) && isWithin(shown, other))) {
      continue;
    }
    if (captured.has(path)) again.push(shown);
    else captured.set(path, shown);
  }
  return { captured, again };
}

/** Relative paths in the image at which a subvolume shows that is captured elsewhere. */
export function placesShownAgain(layout: Pick<DiskLayout, "fileSystems"> | undefined): BytePath[] {
  const { fileSystems = [] } = layout ?? {};
  const mountPoints = fileSystems.flatMap(mountPointsOf);
  return fileSystems.flatMap((fileSystem) => subvolumePlaces(fileSystem, mountPoints).again)
    .map((place) => bytePathOfText(place.slice(1)));
}

/** Everywhere that the template mounts the file system or one of its subvolumes. */
export function mountPointsOf(
  { mountPoint, mkfs: { btrfs } }: Pick<FileSystem, "mountPoint" | "mkfs">,
): string[] {
  const others = [btrfs?.top, ...btrfs?.subvolumes ?? []].flatMap((mounted) => mounted?.mountPoint ?? []);
  return [...new Set([mountPoint, ...others])];
}

/** The nearest subvolume above it; "": the top. */
function parentOf(path: string, paths: ReadonlySet<string>): string {
  const above = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  return above === "" || paths.has(above) ? above : parentOf(above, paths);
}

function join(directory: string, rest: string): string {
  return `${directory === "/" ? "" : directory}/${rest}`;
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}
