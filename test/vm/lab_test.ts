/** The lab as tests: power-on to login prompt on real firmware. Its logs stay under .cache/lab/. */
import assert from "node:assert/strict";
import { labNeeds } from "../../scripts/lab/needs.ts";
import { needs } from "../support/needs.ts";

for (const firmware of ["bios", "uefi"]) {
  Deno.test({
    name:
      `an empty ${firmware.toUpperCase()} machine becomes the clone of a running Debian; others stay untouched`,
    ...needs(labNeeds),
    async fn() {
      const { code } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", "scripts/lab.ts", "--firmware", firmware],
      }).spawn().status;
      assert.equal(code, 0, "the lab's own output above tells what failed");
    },
  });
}
