/** The richest of test/volumes/: made and wiped; lab_test.ts restores. `deno task volumes` runs them all. */
import { testVolumes } from "./volumes.ts";

testVolumes(["make", "wipe"].map((name) => `test/volumes/${name}_test.ts`));
