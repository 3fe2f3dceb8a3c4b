/** A btrfs as Debian's and Ubuntu's installers make it. */
import type { BtrfsProperties } from "#contract/format/file_system_properties.ts";

export const BTRFS: BtrfsProperties = {
  nodeBytes: 16_384,
  sectorBytes: 4096,
  checksum: "crc32c",
  features: ["extref", "no-holes"],
  disabled: [],
  runtime: [],
  dataProfile: "single",
  metadataProfile: "dup",
  subvolumes: [],
};
