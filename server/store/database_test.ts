import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { DatabaseSync } from "node:sqlite";
import { copiesOf } from "./database_copies.ts";
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

Deno.test("before a migration a copy is kept, the newest three of them, readable by the owner only", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-database-" });
  const path = `${folder}/a.db`;
  const noteOf = (file: string) => {
    using db = new DatabaseSync(file, { readOnly: true });
    return (db.prepare("SELECT note FROM t").get() as { note: string }).note;
  };
  try {
    openDatabase(path).close();
    assert.deepEqual(copiesOf(path), [], "a new database has no past");
    for (const schema of [0, 1, 2]) {
      using db = openDatabase(path);
      db.exec(`DROP TABLE IF EXISTS t; CREATE TABLE t (note TEXT); INSERT INTO t VALUES ('as of ${schema}')`);
      db.exec(`PRAGMA user_version = ${schema}`);
    }
    // each open migrated what the one before had set back
    openDatabase(path).close();
    assert.deepEqual(copiesOf(path), [0, 1, 2]);
    assert.equal(noteOf(`${path}.schema-1`), "as of 1");
    assert.equal((Deno.statSync(`${path}.schema-1`).mode ?? 0) & 0o777, 0o600);
    await Deno.writeTextFile(`${path}.schema-99`, "");
    const db = openDatabase(path);
    db.exec("PRAGMA user_version = 2");
    db.close();
    openDatabase(path).close();
    assert.deepEqual(copiesOf(path), [1, 2, 99]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("if no copy can be kept, the database stays as it is; a later one names the copy to go back to", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-database-" });
  const path = `${folder}/a.db`;
  const set = (schema: number) => {
    using db = new DatabaseSync(path);
    db.exec(`CREATE TABLE IF NOT EXISTS t (a); PRAGMA user_version = ${schema}`);
  };
  try {
    set(1);
    await Deno.mkdir(`${path}.copy/in-the-way`, { recursive: true });
    assert.throws(() => openDatabase(path), /no copy of it could be kept.*Nothing was changed/);
    {
      using db = new DatabaseSync(path);
      assert.equal(db.prepare("PRAGMA user_version").get()?.user_version, 1);
    }
    await Deno.remove(`${path}.copy`, { recursive: true });
    openDatabase(path).close();
    set(99);
    assert.throws(() => openDatabase(path), /later Rackseed.*put .*a\.db\.schema-1 in its place/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
