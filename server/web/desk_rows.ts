/** Nodes as the desk's lists show them. */
import type { NodeView } from "#contract/api.ts";
import type { DeskNode } from "#contract/desk.ts";

/** Longest message of an agent in a list. */
const MAX_MESSAGE = 200;

export function deskNode(view: NodeView): DeskNode {
  const { name, state, settings, report, image } = view;
  const isUnderWay = state === "installing" || state === "failed" || state === "aborted" || state === "armed";
  const { message, progress } = report ?? {};
  return dense({
    name,
    state,
    order: orderOf(view),
    image,
    mac: settings.mac,
    address: settings.address?.includes("/") ? settings.address : view.address,
    hostname: settings.hostname,
    group: settings.group,
    rack: settings.rack,
    step: isUnderWay ? report?.step : undefined,
    message: isUnderWay ? message?.slice(0, MAX_MESSAGE) : undefined,
    progress: state === "installing" && progress
      ? {
        bytesDone: progress.bytesDone,
        bytesTotal: progress.bytesTotal,
        bytesPerSecond: progress.bytesPerSecond,
        peers: progress.peers,
      }
      : undefined,
    problem: state === "idle" ? undefined : view.firstBoot?.problem ?? report?.problem,
    warnings: view.warnings?.length,
    drift: driftOf(view),
    seen: view.seen,
    silentSince: view.silentSince,
    everyBoot: view.everyBoot && true,
    slowest: view.slowest?.reason,
  });
}

type Loose = { [K in keyof DeskNode]: DeskNode[K] | undefined };

/** Leaves out what is undefined. */
function dense(node: Loose): DeskNode {
  return Object.fromEntries(
    Object.entries(node).filter(([, value]) => value !== undefined),
  ) as unknown as DeskNode;
}

function orderOf({ state, backup, discover, restore }: NodeView): DeskNode["order"] {
  if (state === "idle") return undefined;
  if (backup) return "backup";
  if (discover) return "discover";
  return restore && (restore.dryRun ? "dry-run" : "restore");
}

/** Number of paths that differ, 0 if that is no drift yet; undefined if its image was not checked. */
function driftOf({ check, image }: NodeView): number | undefined {
  const result = check?.result;
  if (!result || result.image !== image) return undefined;
  return result.drifted ? result.changed + result.missing + result.foreign : 0;
}
