/** Against the PostgreSQL that test/interop/postgres_store_test.ts starts. */
import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { transaction } from "../../database.ts";
import { emptyDatabase, ON_POSTGRES } from "../test_database.ts";
import { PostgresDatabase, PostgresError } from "./database.ts";
import { openPostgres } from "./open.ts";

/** None without a PostgreSQL: there is nothing that they could show. */
function test(name: string, show: () => void): void {
  if (ON_POSTGRES) Deno.test(name, show);
}

test("PostgreSQL returns what was stored", () => {
  using db = emptyDatabase();
  db.exec("CREATE TABLE t (n INTEGER, t TEXT, b BLOB) STRICT");
  const values = [
    [Number.MAX_SAFE_INTEGER, "", new Uint8Array()],
    [-1, "Grüße, it's \\x41 'n' 🖥", Uint8Array.from({ length: 300 }, (_, i) => i)],
    [null, null, null],
  ];
  const insert = db.prepare("INSERT INTO t VALUES (?, ?, ?)");
  for (const row of values) assert.equal(insert.run(...row).changes, 1);
  const rows = db.prepare("SELECT n, t, b FROM t").all();
  assert.deepEqual(rows.map(({ n, t, b }) => [n, t, b]), values);
  assert.deepEqual({
    ...db.prepare("SELECT n IS NULL AS isNull, sum(n) AS s FROM t GROUP BY n ORDER BY n").get(),
  }, {
    isNull: 0,
    s: -1,
  });
  assert.throws(() => insert.run(1, "a\0b", null), /zero byte/);
  assert.throws(() => insert.run(1), /1 values for 3 parameters/);
});

test("PostgreSQL compares texts by bytes, as SQLite does", () => {
  using db = emptyDatabase();
  db.exec("CREATE TABLE t (t TEXT PRIMARY KEY); INSERT INTO t VALUES ('a'), ('B'), ('ä'), ('b')");
  assert.deepEqual(db.prepare("SELECT t FROM t ORDER BY t").all().map(({ t }) => t), ["B", "a", "b", "ä"]);
});

test(
  "an error of PostgreSQL has its code, and ends the transaction with nothing stored",
  () => {
    using db = emptyDatabase();
    db.exec("CREATE TABLE t (n INTEGER PRIMARY KEY)");
    const insert = db.prepare("INSERT INTO t VALUES (?)");
    assert.throws(
      () =>
        transaction(db, () => {
          insert.run(1);
          insert.run(1);
        }),
      (error) => error instanceof PostgresError && error.code === "23505",
    );
    assert.deepEqual(db.prepare("SELECT n FROM t").all(), []);
    transaction(db, () => insert.run(1));
    assert.equal(db.prepare("SELECT count(*) AS n FROM t").get()?.n, 1);
  },
);

const where = Deno.env.get("STORE_TEST_POSTGRES") ?? "";

test("a PostgreSQL database has one server at a time, and refuses an older one", () => {
  const refused = (reason: RegExp, schemaVersion: number) =>
    assert.throws(
      () => openPostgres(where, { schemaVersion }),
      (error) => error instanceof RackseedError && reason.test(error.reason),
    );
  {
    using _ = openPostgres(where, { schemaVersion: 7 });
    refused(/another Rackseed server/, 7);
  }
  refused(/schema 7, this one knows 6/, 6);
  openPostgres(where, { schemaVersion: 7 }).close();
});

test("a PostgreSQL that is not there is an error that says so", () => {
  assert.throws(
    () => new PostgresDatabase("host=/nowhere"),
    (error) => error instanceof RackseedError && /\/nowhere/.test(error.reason),
  );
});

test("a lost connection is an error of each call, not a new connection", () => {
  using db = emptyDatabase();
  const pid = db.prepare("SELECT pg_backend_pid() AS pid").get()?.pid;
  {
    using other = new PostgresDatabase(where);
    other.prepare("SELECT pg_terminate_backend(?)").get(Number(pid));
  }
  assert.throws(() => db.exec("SELECT 1"), PostgresError);
  assert.throws(() => db.exec("SELECT 1"), PostgresError);
});
