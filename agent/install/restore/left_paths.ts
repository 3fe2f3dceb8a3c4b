/** The paths of an image that lie on disks which nothing is written to. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import { KeptPaths } from "../compare/kept_paths.ts";

/** What the template mounts from a data disk, without file systems below it that are written. */
export function leftPaths(plan: Pick<Plan, "left" | "actions">): KeptPaths {
  const parsed = (mountPoints: readonly string[]) => mountPoints.map((path) => bytePathOfText(path.slice(1)));
  const { mountPoints } = plan.left;
  const isWithin = (path: string) => mountPoints.some((at) => path.startsWith(`${at}/`));
  const written = actionsOf(plan, "mount").map(({ mountPoint }) => mountPoint).filter(isWithin);
  return new KeptPaths(parsed(mountPoints), undefined, parsed(written));
}
