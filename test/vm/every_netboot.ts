/** `deno task netboot`: every firmware and way, beside every DHCP server, and from media; ten minutes and more. */
import { FOREIGN_SERVERS } from "../support/foreign_dhcp.ts";
import { testMediumWay } from "./medium.ts";
import { testBootWay } from "./netboot.ts";

for (const beside of [undefined, ...FOREIGN_SERVERS]) {
  const addresses = beside === undefined ? {} : { beside };
  testBootWay({ firmware: "bios", ...addresses });
  testBootWay({ firmware: "uefi", ...addresses });
  testBootWay({ firmware: "uefi", httpBoot: true, ...addresses });
}

for (const as of ["usb", "cd"] as const) {
  testMediumWay({ firmware: "bios", as });
  testMediumWay({ firmware: "uefi", as });
  testMediumWay({ firmware: "uefi", as, secureBoot: true });
}
