/** A node's disks as text; a data disk is "/srv=/dev/disk/by-path/…" or "1=/dev/disk/by-id/…". */
import type { DataDisk, NodeView } from "#contract/api.ts";
import { DataDisk as Schema } from "#contract/api/disks.ts";
import { formatTime } from "./figures.ts";
import { checked, UsageError } from "./usage.ts";

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const text = "/srv=/dev/disk/by-path/pci-0000:00:05.0";
 * assert.deepEqual(parseDataDisk(text), { of: "/srv", disk: "/dev/disk/by-path/pci-0000:00:05.0" });
 * assert.equal(formatDataDisk(parseDataDisk(text)), text);
 * assert.equal(parseDataDisk("1=/dev/disk/by-id/wwn-0x5").of, 1);
 * ```
 */
export function parseDataDisk(text: string): DataDisk {
  const at = text.lastIndexOf("=/dev/disk/");
  if (at < 1) {
    throw new UsageError(
      `${text} is not of the form MOUNT=DISK, for instance /srv=/dev/disk/by-path/…, or 1=DISK.`,
    );
  }
  const what = text.slice(0, at);
  const of = /^\d{1,2}$/.test(what) ? Number(what) : what;
  return checked(Schema, { name: "data disk", value: { of, disk: text.slice(at + 1) } });
}

export function formatDataDisk({ of, disk }: DataDisk): string {
  return `${of}=${disk}`;
}

/** "by tpm2, since …; recovery key not shown yet". `hint`: the command that shows it. */
export function describeEncryption(
  { unlock, made, keyShown }: NonNullable<NodeView["encryption"]>,
  { hint }: { hint?: string } = {},
): string {
  const key = keyShown === undefined
    ? `recovery key not shown yet${hint === undefined ? "" : ` (${hint})`}`
    : `recovery key shown ${formatTime(keyShown)}`;
  return `opened by ${unlock}, since ${formatTime(made)}; ${key}`;
}
