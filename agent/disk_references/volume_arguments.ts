/** Kernel arguments by which dracut and systemd find MD arrays, LUKS and LVM volumes (dracut.cmdline(7)). Pure. */
import type { DiskLayout } from "#contract/format/layout.ts";

const ARGUMENT =
  /(?<![\w.-])(rd\.(?:lvm\.(?:lv|vg)|md\.uuid|luks\.(?:uuid|name))|luks\.(?:uuid|name)|rd_LVM_LV|rd_MD_UUID|rd_LUKS_UUID)=["']?([^\s"']{1,300})/g;

/** The arguments of a line that name no captured volume. */
export function missingVolumes(line: string, layout: DiskLayout): string[] {
  return [...line.matchAll(ARGUMENT)].flatMap(([, name = "", value = ""]) =>
    isCaptured(name.toLowerCase(), { value, layout }) ? [] : [`${name}=${value}`]
  );
}

function isCaptured(name: string, { value, layout }: { value: string; layout: DiskLayout }): boolean {
  const { arrays = [], encrypted = [], groups = [] } = layout;
  if (/lvm.vg$/.test(name)) return groups.some((group) => group.name === value);
  if (/lvm.lv$/.test(name)) {
    return groups.some((group) => group.logical.some((lv) => `${group.name}/${lv.name}` === value));
  }
  const digits = value.replace(/^luks-/, "").replace(/=.*$/, "").replace(/[:-]/g, "").toLowerCase();
  // shortened UUIDs are allowed
  const uuids = /md/.test(name) ? arrays.map(({ uuid }) => uuid) : encrypted.map(({ uuid }) => uuid);
  return uuids.some((uuid) => uuid.replace(/[:-]/g, "").toLowerCase().startsWith(digits));
}
