/** All of test/volumes/: `deno task volumes`. */
import { testVolumes } from "./volumes.ts";

const files = [...Deno.readDirSync("test/volumes")].flatMap(({ name }) =>
  name.endsWith("_test.ts") ? [`test/volumes/${name}`] : []
);
testVolumes(files.sort());
