/** All of test/volumes/, and what takes minutes and the lab's whole way has too: `deno task volumes`. */
import { testBootLoader } from "./boot_loaders.ts";
import { testVolumes } from "./volumes.ts";
import "../node/dracut.ts";

const files = [...Deno.readDirSync("test/volumes")].flatMap(({ name }) =>
  name.endsWith("_test.ts") ? [`test/volumes/${name}`] : []
);
testVolumes(files.sort());
testBootLoader({
  name: "GRUB goes into both disks of a mirror, and its code is put back on the one that lost it",
  starts: "bios",
});
testBootLoader({ name: "GRUB for UEFI is on both ESPs, with the fallback", starts: "uefi" });
