/** Which scheduled backups begin now. Pure. */
import type { CaptureView, ImageView } from "#contract/api.ts";

export interface ScheduledNode {
  readonly name: string;
  /** The image that holds its backups. */
  readonly image: string;
  readonly everySeconds: number | undefined;
  /** Whether its agent is waiting for orders. */
  readonly online: boolean;
}

/**
 * Backups at a time, those by interval and those of schedules together: a rack whose backups are all due must not fill
 * the server's link.
 */
const AT_ONCE = 2;
/** How long after a failed attempt the next one begins. */
const RETRY_MS = 10 * 60_000;

interface KnownCapture extends Pick<CaptureView, "image" | "state" | "started"> {
  /** Begun by a schedule. */
  readonly isScheduled?: boolean;
}

/** How many backups may begin now. Those that a person ordered do not count. */
export function freeSlots(
  nodes: readonly Pick<ScheduledNode, "image" | "everySeconds">[],
  captures: readonly KnownCapture[],
): number {
  const images = new Set(nodes.filter((n) => n.everySeconds !== undefined).map((n) => n.image));
  const running = captures.filter(({ state, image, isScheduled }) =>
    !DONE.has(state) && (isScheduled || images.has(image))
  );
  return Math.max(0, AT_ONCE - new Set(running.map(({ image }) => image)).size);
}

/** Names of nodes, the one with the oldest backup first. */
export function dueBackups(
  nodes: readonly ScheduledNode[],
  { captures, versions, nowMs }: {
    captures: readonly KnownCapture[];
    versions: readonly Pick<ImageView, "image" | "created">[];
    nowMs: number;
  },
): string[] {
  const newest = new Map<string, number>(), tried = new Map<string, number>();
  const later = (times: Map<string, number>, image: string, time: string) =>
    times.set(image, Math.max(times.get(image) ?? 0, Date.parse(time)));
  for (const { image, created } of versions) later(newest, image, created);
  for (const { image, started } of captures) later(tried, image, started);
  const running = new Set(captures.filter((c) => !DONE.has(c.state)).map((c) => c.image));
  const last = (node: ScheduledNode) => newest.get(node.image) ?? 0;
  return nodes.filter((node) =>
    node.everySeconds !== undefined && node.online && !running.has(node.image) &&
    nowMs - last(node) >= node.everySeconds * 1000 && nowMs - (tried.get(node.image) ?? 0) >= RETRY_MS
  ).sort((a, b) => last(a) - last(b)).slice(0, freeSlots(nodes, captures)).map((node) => node.name);
}

const DONE: ReadonlySet<CaptureView["state"]> = new Set(["published", "failed", "cancelled"]);
