/** Whether this version can rebuild an image on a machine with this firmware, whatever its disks. Pure. */
import { RackseedError } from "#contract/errors.ts";
import type { DiskLayout, DiskTable } from "#contract/format/layout.ts";
import type { Header } from "#contract/format/manifest.ts";
import { findObstacles } from "./obstacles.ts";

/** A layout that can be rebuilt. */
export interface Buildable {
  /** "web@3" */
  readonly image: string;
  readonly firmware: "bios" | "uefi";
  readonly layout: DiskLayout;
  /** The table of disk 0. */
  readonly table: DiskTable;
  /** Number of the image's entries. */
  readonly entries: number;
}

/** Throws RackseedError if the image cannot be rebuilt. */
export function proveBuildable(header: Header, firmware: "bios" | "uefi"): Buildable {
  const { layout, source, totals: { entries } } = header;
  const image = `${header.image}@${header.version}`;
  if (!layout || !source) {
    throw refusal(image, {
      reason: "it was made from a directory or a tar, so it has no disk layout.",
      remedy: "deploy an image that was captured from a running machine, or install with --target DIR.",
    });
  }
  if (source.firmware !== firmware) {
    const [wanted, found] = [source.firmware.toUpperCase(), firmware.toUpperCase()];
    throw refusal(image, {
      reason: `its template boots with ${wanted}, and this machine was booted with ${found}.`,
      remedy: `set the machine's firmware to boot with ${wanted}, and deploy again.`,
    });
  }
  const [obstacle] = findObstacles(layout), [table] = layout.disks;
  if (obstacle) throw refusal(image, obstacle);
  if (!table) throw refusal(image, { reason: "its layout has no disk.", remedy: "capture it again." });
  return { image, firmware, layout, table, entries };
}

export function refusal(
  image: string,
  { reason, remedy }: { reason: string; remedy: string },
): RackseedError {
  return new RackseedError(`cannot install ${image} on this machine`, { reason, remedy, status: 409 });
}
