/** The paths by which a running system knows its volumes, which the initramfs does not have. Pure. */
import type { AssembledVolume } from "../layout/assemble/assembled_volume.ts";
import { type CrypttabEntry, nameInCrypttab } from "../layout/luks/crypttab.ts";

/**
 * Besides UUIDs and labels: LVM's links, /dev/md/NAME, and the names that crypttab(5) gives.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const root = { kind: "lv" as const, device: "/dev/mapper/vg--0-root", title: "", disks: [], facts: new Map() };
 * const names = namesOf({ ...root, group: { name: "vg-0", uuid: "" }, name: "root" }, []);
 * assert.deepEqual(names, ["/dev/mapper/vg--0-root", "/dev/vg-0/root"]);
 * ```
 */
export function namesOf(
  { kind, device, uuid, name, group }: AssembledVolume,
  crypttab: readonly CrypttabEntry[],
): string[] {
  switch (kind) {
    case "partition":
    case "disk":
      return [];
    case "md": {
      const byId = uuid === undefined ? [] : [`/dev/disk/by-id/md-uuid-${uuid}`];
      if (!name) return byId;
      // an array with a number for a name gets it
      return [...byId, `/dev/md/${name}`, ...(/^\d+$/.test(name) ? [`/dev/md${name}`] : [])];
    }
    case "luks": {
      const opened = uuid === undefined ? undefined : nameInCrypttab(uuid, crypttab);
      // dracut's name for it, if no crypttab has one
      return [`/dev/mapper/luks-${uuid}`, ...opened === undefined ? [] : [`/dev/mapper/${opened}`]];
    }
    case "lv":
      return group && name ? [device, `/dev/${group.name}/${name}`] : [device];
  }
}
