import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { openDatabase, transaction } from "./database.ts";

Deno.test("a transaction that fails leaves nothing", () => {
  const db = openDatabase(":memory:");
  db.exec("CREATE TABLE t (a INTEGER)");
  assert.throws(() =>
    transaction(db, () => {
      db.exec("INSERT INTO t VALUES (1)");
      throw new Error("no");
    }), /no/);
  assert.deepEqual(db.prepare("SELECT * FROM t").all(), []);
  db.close();
});

const refusals: [what: string, prepare: (path: string) => Disposable, reason: RegExp][] = [
  ["another server has", (path) => {
    const db = openDatabase(path);
    return { [Symbol.dispose]: () => db.close() };
  }, /another Rackseed server/],
  ["a later version wrote", (path) => {
    const db = openDatabase(path);
    db.exec("PRAGMA user_version = 99");
    db.close();
    return { [Symbol.dispose]: () => {} };
  }, /schema 99/],
  ["is cut off", (path) => {
    const db = openDatabase(path);
    db.exec("CREATE TABLE t (a TEXT)");
    db.exec(`INSERT INTO t VALUES ('${"x".repeat(100_000)}')`);
    db.close();
    Deno.truncateSync(path, 50_000);
    return { [Symbol.dispose]: () => {} };
  }, /malformed/],
];

for (const [what, prepare, reason] of refusals) {
  Deno.test(`a database that ${what} is refused, and left as it is`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-database-" });
    try {
      using _ = prepare(`${folder}/a.db`);
      const before = Deno.readFileSync(`${folder}/a.db`);
      assert.throws(
        () => openDatabase(`${folder}/a.db`),
        (error) => error instanceof RackseedError && reason.test(error.reason),
      );
      assert.deepEqual(Deno.readFileSync(`${folder}/a.db`), before);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
