/** What the names of the template's disks mean on this machine, by the plan. */
import type { DiskLayout } from "#contract/format/layout.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import { loaderVolumes } from "#plan/plan_boot_loader.ts";
import { type CloneDisk, type CloneDisks, TemplateDisks } from "../../disk_references/template_disks.ts";

/** `unlock`: how the clone opens its LUKS volumes, by their names. */
export function templateDisks(
  plan: Plan,
  { layout, unlock }: { layout: DiskLayout; unlock?: CloneDisks["unlock"] },
): TemplateDisks {
  const disks: (CloneDisk | undefined)[] = [];
  for (const { number, facts } of plan.disks) disks[number] = facts;
  const loader = actionsOf(plan, "boot-loader").flatMap(({ bootLoader }) => loaderVolumes(bootLoader));
  return new TemplateDisks(layout, { disks, loader, ...(unlock && { unlock }) });
}
