/** The store on PostgreSQL: the tests of server/store that open a database by its opener, run on a real one. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { needs } from "../support/needs.ts";
import { Postgres, postgresNeeds } from "../support/postgres.ts";

const ROOT = dirname(dirname(import.meta.dirname ?? "."));
const STORE = "server/store";
/** What such a test imports. */
const OPENER = "testing/test_database.ts";

/** Paths below the root. */
async function* testsOfTheStore(folder = STORE): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}/${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* testsOfTheStore(path);
    if (!name.endsWith("_test.ts")) continue;
    if ((await Deno.readTextFile(`${ROOT}/${path}`)).includes(OPENER)) yield path;
  }
}

Deno.test({
  name: "the store's tests pass on PostgreSQL as they do on SQLite",
  ...needs(postgresNeeds),
  fn: async () => {
    const tests = await Array.fromAsync(testsOfTheStore());
    assert.ok(tests.includes(`${STORE}/nodes_test.ts`), "the tests are found by what they import");
    await using postgres = await Postgres.start();
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", "--no-check", "--quiet", ...tests],
      cwd: ROOT,
      env: { STORE_TEST_POSTGRES: postgres.where, NO_COLOR: "1" },
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
  },
});
