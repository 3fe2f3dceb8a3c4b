import type { ExtProperties } from "#contract/format/file_system_properties.ts";

/** An ext4 of 1 GiB as mke2fs makes it by default. */
export const EXT: ExtProperties = {
  blocks: 262_144,
  reservedBlocks: 13_107,
  reservedUid: 0,
  reservedGid: 0,
  errors: "continue",
  defaultMountOptions: ["user_xattr", "acl"],
  mountOptions: "",
  stride: 0,
  stripeWidth: 0,
  maxMountCount: -1,
  checkSeconds: 0,
  quotaTypes: [],
};
