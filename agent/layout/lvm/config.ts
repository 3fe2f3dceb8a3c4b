/** Settings of LVM for a machine without udev, where it may see and use only certain devices. Pure. */

/** Paths and names that need no quoting in LVM's configuration or in its regular expressions, but for the dot. */
const PLAIN = /^[A-Za-z0-9_.:+/-]+$/;

/**
 * An argument of --config. LVM sees `devices` and nothing else, creates its device nodes itself, and writes neither
 * backups of its metadata nor anything else outside them. `readOnly`: a group whose volumes are activated read-only.
 * `systemId`: of the machine that owns the groups, if it is another one (lvmsystemid(7)).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.match(lvmConfig(["/dev/vda2"]), /filter=\["a\|\^\/dev\/vda2\$\|","r\|\.\*\|"\]/);
 * ```
 */
export function lvmConfig(
  devices: readonly string[],
  { readOnly, systemId }: { readOnly?: string | undefined; systemId?: string | undefined } = {},
): string {
  for (const word of [...devices, readOnly ?? "x", systemId || "x"]) {
    if (!PLAIN.test(word)) throw new RangeError(`LVM cannot be given the path ${JSON.stringify(word)}`);
  }
  const filter = [...devices.map((path) => `"a|^${path.replace(/[.+]/g, "\\\\$&")}$|"`), '"r|.*|"'].join();
  return [
    `devices{filter=[${filter}] global_filter=[${filter}] use_devicesfile=0 multipath_component_detection=0`,
    // the first extent lies where pvcreate was told, whatever the disk says of its physical sectors
    'data_alignment_offset_detection=0 md_component_detection=0 obtain_device_list_from_udev=0 external_device_info_source="none"}',
    "activation{udev_sync=0 udev_rules=0 verify_udev_operations=1 monitoring=0",
    readOnly === undefined ? "}" : `read_only_volume_list=["${readOnly}"]}`,
    // thin_check and cache_check are not in every initramfs, and LVM refuses to activate without them
    'global{thin_check_executable="" cache_check_executable="" event_activation=0 use_lvmpolld=0}',
    "backup{backup=0 archive=0}",
    ...systemId ? [`local{extra_system_ids=["${systemId}"]}`] : [],
  ].join(" ");
}
