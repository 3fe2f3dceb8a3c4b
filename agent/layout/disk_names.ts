/**
 * Derives a disk's persistent names, udev's links below /dev/disk, from its place in sysfs, since the initramfs has no
 * udev. Covers only forms that are the same everywhere (systemd, src/udev/udev-builtin-path_id.c and
 * rules.d/60-persistent-storage.rules); a disk on another bus has fewer names or none. Pure.
 */
export interface DiskPlace {
  /** Below /sys: "/devices/pci0000:00/0000:00:04.0/virtio1/block/vda". */
  readonly devicePath: string;
  /** NVMe namespace id. */
  readonly namespace?: string | undefined;
  /** The port_no of the ata_port, and the lowest SCSI host number of the same controller. */
  readonly ataPort?: string | undefined;
  readonly firstHost?: number | undefined;
  readonly model?: string | undefined;
  readonly serial?: string | undefined;
  /** "naa.5002538d40b1b5c1", "eui.0025385b71b0a1c2" */
  readonly wwid?: string | undefined;
}

const PCI = /^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;
/**
 * The link below /dev/disk/by-path; undefined if the bus has no form that is the same everywhere.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const devicePath = "/devices/pci0000:00/0000:00:04.0/virtio1/block/vda";
 * assert.equal(byPathName({ devicePath }), "/dev/disk/by-path/pci-0000:00:04.0");
 * ```
 */
export function byPathName(place: DiskPlace): string | undefined {
  const parts = place.devicePath.split("/");
  const pci = parts.findLast((p) => PCI.test(p));
  if (pci === undefined || parts.some((p) => /^(usb\d+|end_device-.*|rport-.*)$/.test(p))) return undefined;
  const prefix = `/dev/disk/by-path/pci-${pci}`;
  const last = parts.at(-1) ?? "";
  if (/^nvme\d+n\d+$/.test(last)) return place.namespace ? `${prefix}-nvme-${place.namespace}` : undefined;
  if (parts.some((p) => /^ata\d+$/.test(p))) {
    return place.ataPort ? `${prefix}-ata-${place.ataPort}` : undefined;
  }
  const scsi = parts.map((p) => /^(\d+):(\d+):(\d+):(\d+)$/.exec(p)).find((m) => m !== null);
  if (scsi) {
    const [, host, channel, target, lun] = scsi;
    if (place.firstHost === undefined) return undefined;
    return `${prefix}-scsi-${Number(host) - place.firstHost}:${channel}:${target}:${lun}`;
  }
  return parts.some((p) => /^(virtio\d+|mmc\d+)$/.test(p)) ? prefix : undefined;
}

export function byIdNames({ devicePath, model, serial, wwid }: DiskPlace): string[] {
  const name = devicePath.split("/").at(-1) ?? "";
  const names: string[] = [];
  if (/^nvme/.test(name)) {
    if (wwid) names.push(`nvme-${clean(wwid)}`);
    if (model && serial) names.push(`nvme-${clean(model)}_${clean(serial)}`);
  } else if (/^vd/.test(name)) {
    if (serial) names.push(`virtio-${clean(serial)}`);
  } else if (/^mmcblk/.test(name)) {
    if (model && serial) names.push(`mmc-${clean(model)}_${clean(serial)}`);
  } else if (wwid?.startsWith("naa.")) {
    names.push(`wwn-0x${wwid.slice(4)}`, `scsi-3${wwid.slice(4)}`);
  }
  return names.map((n) => `/dev/disk/by-id/${n}`);
}

/** Replaces characters as udev does for file names. */
function clean(text: string): string {
  return text.trim().replace(/\s+/g, "_").replace(/[^\w#+\-.:=@]/g, "_");
}

/** The disk's transport, in lsblk's terms. */
export function transportOf(devicePath: string): string | undefined {
  const parts = devicePath.split("/");
  const has = (pattern: RegExp) => parts.some((p) => pattern.test(p));
  if (has(/^usb\d+$/)) return "usb";
  // a namespace with multipath is below its subsystem, not below a controller
  if (has(/^nvme(\d+|-subsys\d+)$/)) return "nvme";
  if (has(/^ata\d+$/)) return "sata";
  if (has(/^end_device-/)) return "sas";
  if (has(/^rport-/)) return "fc";
  if (has(/^session\d+$/)) return "iscsi";
  if (has(/^mmc\d+$/)) return "mmc";
  if (has(/^virtio\d+$/)) return "virtio";
  return has(/^target\d+:/) ? "scsi" : undefined;
}
