/** The richest of test/volumes/: made, restored, wiped. `deno task volumes` runs them all. */
import { testVolumes } from "./volumes.ts";

testVolumes(["make", "restore", "wipe"].map((name) => `test/volumes/${name}_test.ts`));
