/** The richest of test/volumes/: made, restored, backed up, wiped. `deno task volumes` runs them all. */
import { testVolumes } from "./volumes.ts";

testVolumes(["make", "restore", "still", "wipe"].map((name) => `test/volumes/${name}_test.ts`));
