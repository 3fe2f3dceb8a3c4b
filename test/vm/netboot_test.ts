/** The ways to boot that CI has time for; `deno task netboot` tries all. */
import { testBootWay } from "./netboot.ts";
import { testSignedImage } from "./secure_boot.ts";

testBootWay({ firmware: "uefi", beside: "Kea" });
testSignedImage({ httpBoot: true });
