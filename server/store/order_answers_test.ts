import assert from "node:assert/strict";
import { OrderAnswers } from "./order_answers.ts";
import { emptyDatabase, ON_POSTGRES } from "./testing/test_database.ts";

const ORDER = { who: "anna", key: "key-00001" };
const ANSWER = { status: 200, body: '{"token":"rs1.secret"}' };
const DAY_MS = 86_400_000;

function open() {
  const keys = Deno.makeTempDirSync();
  const db = emptyDatabase();
  const time = { ms: 0 };
  const fresh = () => new OrderAnswers(db, { directory: { keys }, now: () => time.ms });
  const close = () => {
    db.close();
    Deno.removeSync(keys, { recursive: true });
  };
  return { db, keys, time, fresh, answers: fresh(), [Symbol.dispose]: close };
}

function begin(answers: OrderAnswers, request = "request", order = ORDER) {
  const begun = answers.begin(order, request);
  if ("status" in begun) assert.fail(`answered ${begun.status}`);
  return begun;
}

Deno.test("an order is carried out once, and then answered as before, by the next process too", () => {
  using test = open();
  begin(test.answers).end(ANSWER);
  assert.deepEqual(test.answers.begin(ORDER, "request"), ANSWER);
  assert.deepEqual(test.fresh().begin(ORDER, "request"), ANSWER);
  begin(test.answers, "request", { ...ORDER, who: "bert" });
  test.time.ms = DAY_MS + 1;
  begin(test.answers);
});

Deno.test("while it is carried out, or with its outcome unknown, an order is refused with the reason", () => {
  using test = open();
  begin(test.answers);
  assert.throws(() => test.answers.begin(ORDER, "request"), { status: 409, reason: /is being carried out/ });
  assert.throws(() => test.fresh().begin(ORDER, "request"), { status: 409, reason: /the server stopped/ });
});

Deno.test("a key is good for one request, until that was refused", () => {
  using test = open();
  const begun = begin(test.answers);
  assert.throws(() => test.answers.begin(ORDER, "another"), { status: 422 });
  begun.forget();
  begin(test.answers, "another");
});

Deno.test("nothing of requests and answers is in the database in the clear, and a lost key hides them", () => {
  using test = open();
  begin(test.answers, "passphrase").end(ANSWER);
  const [row] = test.db.prepare("SELECT kept FROM order_answers").all() as { kept: Uint8Array }[];
  const kept = Buffer.from(row?.kept ?? []);
  for (const secret of ["passphrase", "rs1"]) assert.ok(!kept.includes(secret));
  Deno.removeSync(`${test.keys}/secrets.key`);
  const later = test.fresh();
  assert.throws(() => later.begin(ORDER, "passphrase"), { status: 409 });
  begin(later, "request", { ...ORDER, key: "key-00002" });
});

// SQLite makes half a gigabyte of zeros on its own
Deno.test("no more than 10 000 are kept, and no more than 256 MiB of them", { ignore: ON_POSTGRES }, () => {
  using test = open();
  const insert = test.db.prepare(
    "INSERT INTO order_answers (who, key, at, kept) VALUES ('x', ?, 0, zeroblob(?))",
  );
  const count = () => test.db.prepare("SELECT count(*) AS n FROM order_answers").get()?.n;
  test.db.exec("BEGIN");
  for (let i = 0; i < 10_010; i++) insert.run(`key-${i}`, 1);
  test.db.exec("COMMIT");
  begin(test.answers);
  assert.equal(count(), 10_001);
  for (let i = 0; i < 5; i++) insert.run(`large-${i}`, 100 << 20);
  begin(test.answers, "request", { ...ORDER, key: "key-00002" });
  assert.equal(count(), 3);
});
