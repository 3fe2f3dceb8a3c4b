import { containerPrograms } from "./debian_container.ts";
import { debianPrograms } from "./debian.ts";
import { guestPrograms } from "./guest.ts";
import { loopPrograms } from "./loop_disk.ts";
import { oddityPrograms } from "./oddities.ts";
import { ownDiskPrograms } from "./own_disk.ts";
import { qemuNeeds } from "./qemu.ts";
import { readTreePrograms } from "./read_tree.ts";
import { smallVmNeeds } from "./small_vm.ts";
import { templateDiskPrograms } from "./template_disk.ts";

/** What the lab needs from the machine, in the form for test/support/needs.ts. */
export const labNeeds = {
  root: true,
  programs: [
    ...containerPrograms,
    ...debianPrograms,
    ...guestPrograms,
    ...loopPrograms,
    ...oddityPrograms,
    ...ownDiskPrograms,
    ...readTreePrograms,
    ...templateDiskPrograms,
    ...qemuNeeds.programs,
    ...smallVmNeeds.programs,
    ...["e2fsck", "fsck.vfat", "lvs", "pvs", "mdadm", "xfs_repair"],
  ],
  files: qemuNeeds.files,
};
