/** Backups by schedule: by the agents on the nodes, or at the nodes' next boot. */
import type { ScheduledOrder } from "#contract/api/schedules.ts";
import { RackseedError } from "#contract/errors.ts";
import type { BootBackups } from "../../fleet/backups/boot_backups.ts";
import type { Backups } from "../../fleet/backups/backups.ts";
import type { Captures } from "../../fleet/ports.ts";
import { following, type InstallSources, pinned, problemOf } from "./installs.ts";
import type { Ordered, Part, Work, WorkProgress } from "./work.ts";

type BackupOrder = Extract<ScheduledOrder, { work: "backup" }>;

export interface BackupSources extends InstallSources {
  readonly captures: Pick<Captures, "list">;
  readonly backups: Pick<Backups, "beginScheduled" | "room">;
  readonly bootBackups: Pick<BootBackups, "arm">;
}

/** Of handles: a capture by an agent, not a deployment. */
const CAPTURE = "capture ";

export function backupWork(sources: BackupSources): Work<BackupOrder> {
  const { images, backups, bootBackups, captures } = sources;
  const atBoots = following(sources);
  return {
    action: "node.backup",
    room: ({ atBoot }) => atBoot ? Infinity : backups.room,
    check: (_, { atBoot, image }) => {
      if (image !== undefined) images.get(image);
      if (image !== undefined && !atBoot) throw imageNeedsBoot();
    },
    reviews: () => [],
    pin: (order) => order.image === undefined ? order : { ...order, image: pinned(order.image, images) },
    begin: (nodes, { work: _, atBoot, image, ...terms }) =>
      nodes.map((node): Ordered => {
        try {
          if (!atBoot) {
            return { node: node.id, handle: CAPTURE + backups.beginScheduled(node.id, terms).id };
          }
          const request = image === undefined ? terms : { ...terms, image };
          return { node: node.id, handle: bootBackups.arm(node.id, request).deployment };
        } catch (error) {
          return { node: node.id, problem: problemOf(error) };
        }
      }),
    progress: (parts) => {
      const known = new Map(captures.list().map((capture) => [CAPTURE + capture.id, capture]));
      return parts.map((part): WorkProgress => {
        if (!part.handle.startsWith(CAPTURE)) return atBoots.progress([part])[0] as WorkProgress;
        const capture = known.get(part.handle);
        if (capture === undefined || capture.state === "cancelled") return { state: "cancelled" };
        if (capture.state === "published") return { state: "done" };
        if (capture.state !== "failed") return { state: "begun" };
        const { problem } = capture;
        return {
          state: "failed",
          problem: problem ? `${problem.title}: ${problem.detail}` : "its capture failed",
        };
      });
    },
    takeBack: (part: Part) => {
      if (!part.handle.startsWith(CAPTURE)) atBoots.takeBack(part);
    },
  };
}

function imageNeedsBoot(): RackseedError {
  return new RackseedError("cannot schedule this backup", {
    reason: "an image is named, which only a backup at boot needs.",
    remedy: "add --at-boot, or leave --image out.",
    status: 400,
  });
}
