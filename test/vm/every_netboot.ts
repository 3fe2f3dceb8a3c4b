/**
 * Every firmware and way, beside every DHCP server, with Secure Boot, and from media, in QEMU; half an hour.
 *
 *     deno task netboot [--filter TEXT] [-- --table FILE]
 *
 *     --filter  only ways whose name contains this
 *     --table   write the table of firmware, way and seconds into this Markdown file
 */
import { FOREIGN_SERVERS } from "../support/foreign_dhcp.ts";
import { testArmedAndUnarmed } from "./armed_and_unarmed.ts";
import { testArm64Ways } from "./arm64.ts";
import { testMediumWay } from "./medium.ts";
import { testBootWay } from "./netboot.ts";
import { testEnrolment, testRefusals, testSignedImage } from "./secure_boot.ts";
import { testInstalledDisks, testMokRequest } from "./site_keys.ts";
import { testTaggedMedium, testTaggedWay } from "./tagged.ts";
import { testTpmProof } from "./tpm_proof.ts";
import { testVolumes } from "./volumes.ts";

for (const beside of [undefined, ...FOREIGN_SERVERS]) {
  const addresses = beside === undefined ? {} : { beside };
  testBootWay({ firmware: "bios", ...addresses });
  testBootWay({ firmware: "uefi", ...addresses });
  testBootWay({ firmware: "uefi", httpBoot: true, ...addresses });
}
testBootWay({ firmware: "bios", ipv6: true });
for (const httpBoot of [true, false]) testBootWay({ firmware: "uefi", httpBoot, ipv6: true });
for (const httpBoot of [true, false]) testSignedImage({ httpBoot });
for (const httpBoot of [true, false]) testTaggedWay({ httpBoot });
testTaggedMedium();
testRefusals();
testEnrolment();
testArmedAndUnarmed("BIOS, by HTTP");
testArmedAndUnarmed("UEFI with iPXE, by TFTP");
testInstalledDisks();
testMokRequest();
testTpmProof();

testVolumes(["test/network/switch_ports_test.ts"]);

testArm64Ways();

for (const as of ["usb", "cd"] as const) {
  testMediumWay({ firmware: "bios", as });
  testMediumWay({ firmware: "uefi", as });
  testMediumWay({ firmware: "uefi", as, secureBoot: true });
}
