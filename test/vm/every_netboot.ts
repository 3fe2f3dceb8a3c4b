/** `deno task netboot`: every firmware and way, beside every DHCP server, with Secure Boot, and from media; half an hour. */
import { FOREIGN_SERVERS } from "../support/foreign_dhcp.ts";
import { testMediumWay } from "./medium.ts";
import { testBootWay } from "./netboot.ts";
import { testAgent, testEnrolment, testRefusals, testSignedImage } from "./secure_boot.ts";
import { testTpmProof } from "./tpm_proof.ts";

for (const beside of [undefined, ...FOREIGN_SERVERS]) {
  const addresses = beside === undefined ? {} : { beside };
  testBootWay({ firmware: "bios", ...addresses });
  testBootWay({ firmware: "uefi", ...addresses });
  testBootWay({ firmware: "uefi", httpBoot: true, ...addresses });
}
testBootWay({ firmware: "bios", ipv6: true });
for (const httpBoot of [true, false]) testBootWay({ firmware: "uefi", httpBoot, ipv6: true });
for (const httpBoot of [true, false]) testSignedImage({ httpBoot });
testRefusals();
testAgent();
testEnrolment();
testTpmProof();

for (const as of ["usb", "cd"] as const) {
  testMediumWay({ firmware: "bios", as });
  testMediumWay({ firmware: "uefi", as });
  testMediumWay({ firmware: "uefi", as, secureBoot: true });
}
