/** Every export has a user, and code that only tests use is kept with the tests. */
import assert from "node:assert/strict";
import { type Export, projectExports } from "./support/source_files.ts";

/** The fuzz bench loads these by name, in a worker. */
const LOADED_BY_NAME = "test/fuzz/decoders/";
const isForTests = (path: string) => /_test\.tsx?$|^test\/|\/testing\//.test(path);
const named = (list: readonly Export[]) => list.map(({ path, name }) => `${path}: ${name}`);

const exported = (await projectExports()).filter(({ path }) => !path.startsWith(LOADED_BY_NAME));

Deno.test("every export is imported by another file", () => {
  assert.deepEqual(named(exported.filter(({ users }) => users.length === 0)), []);
});

Deno.test("the product holds no code that only tests use", () => {
  const idle = exported.filter(({ path, users, isUsedInside }) =>
    !isForTests(path) && !path.startsWith("scripts/") && !isUsedInside && users.length > 0 &&
    users.every(isForTests)
  );
  assert.deepEqual(named(idle), []);
});
