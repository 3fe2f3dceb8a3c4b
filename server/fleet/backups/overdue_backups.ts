/** Which scheduled backups are overdue, because an agent is away or every attempt fails. */
import type { ImageView } from "#contract/api.ts";
import type { ScheduledNode } from "./due_backups.ts";

/** A backup is overdue once the last one is older than its interval times this, and than its interval and this slack. */
const LATE = { factor: 1.5, leastMs: 15 * 60_000 };

export class OverdueBackups {
  /** When each schedule was first seen: a node without any backup has no other beginning. */
  readonly #since = new Map<string, number>();
  #overdue: readonly string[] = [];

  get nodes(): readonly string[] {
    return this.#overdue;
  }

  /** Returns the nodes that were not overdue at the check before. */
  check(
    nodes: readonly Pick<ScheduledNode, "name" | "image" | "everySeconds">[],
    { versions, nowMs }: { versions: readonly Pick<ImageView, "image" | "created">[]; nowMs: number },
  ): string[] {
    const newest = new Map<string, number>();
    for (const { image, created } of versions) {
      newest.set(image, Math.max(newest.get(image) ?? 0, Date.parse(created)));
    }
    const before = new Set(this.#overdue);
    const scheduled = nodes.filter(({ everySeconds }) => everySeconds !== undefined);
    const names = new Set(scheduled.map(({ name }) => name));
    for (const name of this.#since.keys()) if (!names.has(name)) this.#since.delete(name);
    this.#overdue = scheduled.filter(({ name, image, everySeconds = 0 }) => {
      if (!this.#since.has(name)) this.#since.set(name, nowMs);
      const last = newest.get(image) ?? this.#since.get(name) ?? nowMs;
      const everyMs = everySeconds * 1000;
      return nowMs - last > Math.max(everyMs * LATE.factor, everyMs + LATE.leastMs);
    }).map(({ name }) => name);
    return this.#overdue.filter((name) => !before.has(name));
  }
}
