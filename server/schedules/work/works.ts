/** Every kind of work that a schedule can order. */
import type { ScheduledOrder, WorkName } from "#contract/api/schedules.ts";
import { type BackupSources, backupWork } from "./backups.ts";
import { type CheckSources, checkWork } from "./checks.ts";
import { deployWork, restoreWork } from "./installs.ts";
import type { Work } from "./work.ts";

export type Works = { readonly [K in WorkName]: Work<Extract<ScheduledOrder, { work: K }>> };

export function allWorks(sources: BackupSources & CheckSources): Works {
  return {
    deploy: deployWork(sources),
    restore: restoreWork(sources),
    backup: backupWork(sources),
    check: checkWork(sources),
  };
}

/** The work of the order: the caller passes only this order to it. */
export function workOf(works: Works, { work }: Pick<ScheduledOrder, "work">): Work {
  return works[work] as unknown as Work;
}
