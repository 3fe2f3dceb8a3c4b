/** Boot loaders for UEFI on mirrored disks. GRUB for BIOS is in the lab of test/vm/lab_test.ts; the rest in every_volume.ts. */
import { testBootLoader } from "./boot_loaders.ts";

testBootLoader({
  name: "the firmware has an entry for GRUB on each disk, in this order, in place of earlier ones",
  starts: "uefi",
  keepsVariables: true,
});
testBootLoader({ name: "systemd-boot is on both ESPs with its entries, and a changed root is refused" });
