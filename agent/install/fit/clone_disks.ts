/** What the names of the template's disks mean on this machine, by the plan. */
import type { DiskLayout } from "#contract/format/layout.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import { loaderVolumes } from "#plan/plan_boot_loader.ts";
import { type CloneDisk, TemplateDisks, type UnlockWay } from "../../disk_references/template_disks.ts";

/** Where a key file of a LUKS volume is, which systemd finds by itself: crypttab(5). */
export function keyFileOf(name: string): string {
  return `/etc/cryptsetup-keys.d/${name}.key`;
}

/** `layout`: the image's, with the disks that are left alone here. `encryption`: from the order. */
export function templateDisks(
  plan: Plan,
  { layout, encryption }: {
    layout: DiskLayout;
    encryption?: { readonly unlock: UnlockWay["way"] } | undefined;
  },
): TemplateDisks {
  const disks: (CloneDisk | undefined)[] = [];
  for (const { number, facts } of plan.disks) disks[number] = facts;
  const loader = actionsOf(plan, "boot-loader").flatMap(({ bootLoader }) => loaderVolumes(bootLoader));
  const unlock = new Map(
    actionsOf(plan, "luks").flatMap(({ encrypted: { name } }): [string, UnlockWay][] => {
      if (encryption === undefined) return [];
      const way = encryption.unlock;
      return [[name, way === "key-file" ? { way, keyFile: keyFileOf(name) } : { way }]];
    }),
  );
  return new TemplateDisks(layout, { disks, loader, unlock });
}
