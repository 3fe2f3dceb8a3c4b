import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { decodeRecords } from "./records.ts";
import { Replica } from "./replica.ts";
import { send } from "./send.ts";
import { WalSource } from "./wal_source.ts";

/** A server's database and files, and a standby's copy of them. */
class Pair implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "rackseed-pair-" });
  readonly data = `${this.folder}/server`;
  readonly copy = `${this.folder}/standby`;
  db!: DatabaseSync;
  source!: WalSource;

  constructor() {
    for (const path of [this.data, this.copy]) Deno.mkdirSync(path);
    for (const name of ["tls", "keys", "identities"]) Deno.mkdirSync(`${this.data}/${name}`);
    this.open();
    this.db.exec("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, text TEXT) STRICT");
  }

  open(): void {
    this.db = new DatabaseSync(`${this.data}/rackseed.db`);
    this.db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL");
    this.source = new WalSource(this.db, `${this.data}/rackseed.db`);
    this.source.hold(true);
  }

  close(): void {
    this.db.close();
    this.source[Symbol.dispose]();
  }

  add(text: string, times = 1): void {
    for (let i = 0; i < times; i++) this.db.prepare("INSERT INTO t (text) VALUES (?)").run(text);
  }

  /** Sends until all is sent; returns the types of the records. `between`: work before each record is applied. */
  async follow(between: (type: string) => unknown = () => {}): Promise<string[]> {
    using replica = new Replica(this.copy);
    const stop = new AbortController(), types: string[] = [];
    const records = send({
      stream: "s1",
      epoch: 1,
      source: this.source,
      data: this.data,
      position: replica.position,
      files: replica.digests(),
      isElsewhere: () => false,
      onSent: () => {},
      wake: () => new Promise(() => {}),
      signal: stop.signal,
      now: () => Date.now(),
    });
    for await (const { head, payload } of decodeRecords(ReadableStream.from(records))) {
      types.push(head.type);
      between(head.type);
      replica.apply(head, payload);
      if (head.type === "alive") stop.abort();
    }
    return types.filter((type, i) => type !== types[i - 1]);
  }

  /** The first time: with a transaction after the copy, as there always is one before long. */
  async begin(): Promise<string[]> {
    return await this.follow((type) => type === "content" && this.add("begun"));
  }

  /** What a server would find that started on the copy now. */
  texts(): string[] {
    const place = Deno.makeTempDirSync({ dir: this.folder });
    for (const name of ["rackseed.db", "rackseed.db-wal"]) {
      try {
        Deno.copyFileSync(`${this.copy}/${name}`, `${place}/${name}`);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    const db = new DatabaseSync(`${place}/rackseed.db`);
    try {
      assert.deepEqual({ ...db.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
      return db.prepare("SELECT text FROM t ORDER BY n").all().map((row) => String(row.text));
    } finally {
      db.close();
    }
  }

  same(): void {
    const texts = this.db.prepare("SELECT text FROM t ORDER BY n").all().map((row) => String(row.text));
    assert.deepEqual(this.texts(), texts);
  }

  [Symbol.dispose](): void {
    this.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

Deno.test("a standby gets a copy once, then only the log", async () => {
  using pair = new Pair();
  pair.add("before");
  Deno.writeTextFileSync(`${pair.data}/identities/n1.json`, "{}");
  assert.deepEqual(await pair.begin(), ["hello", "file", "copy", "content", "alive", "log", "alive"]);
  pair.same();
  pair.add("x".repeat(100_000), 30);
  assert.deepEqual(await pair.follow(), ["hello", "log", "content", "alive"]);
  pair.same();
  pair.add("more");
  assert.deepEqual(await pair.follow(), ["hello", "log", "content", "alive"]);
  pair.same();
  assert.deepEqual(await pair.follow(), ["hello", "content", "alive"]);
  // longer than what is kept: the standby has all of it, so that the next log follows
  pair.add("y".repeat(1_000_000), 5);
  await pair.follow();
  pair.source.tidy([pair.source.end()]);
  pair.add("after");
  assert.deepEqual(await pair.follow(), ["hello", "copy", "content", "alive"], "it was not there meanwhile");
  pair.same();
});

Deno.test("a log that is emptied while the standby follows goes into its database, and the next one begins", async () => {
  using pair = new Pair();
  await pair.begin();
  pair.add("y".repeat(1_000_000), 5);
  const types = await pair.follow((type) => {
    if (type !== "content") return;
    pair.source.tidy([pair.source.end()]);
    pair.add("next log");
  });
  assert.deepEqual(types, ["hello", "log", "content", "alive", "log", "alive"]);
  assert.ok(Deno.statSync(`${pair.copy}/rackseed.db-wal`).size < 1 << 20);
  pair.same();
  pair.add("and on");
  assert.deepEqual(await pair.follow(), ["hello", "log", "content", "alive"]);
  pair.same();
});

Deno.test("a log that was emptied while the standby was away costs another copy", async () => {
  using pair = new Pair();
  pair.add("one");
  await pair.begin();
  pair.add("y".repeat(1_000_000), 5);
  pair.source.tidy([]);
  pair.add("two");
  assert.deepEqual(await pair.follow(), ["hello", "copy", "content", "alive"]);
  pair.same();
});

Deno.test("a log that is emptied before a slow standby has all of it costs another copy", async () => {
  using pair = new Pair();
  await pair.begin();
  pair.add("y".repeat(1_000_000), 5);
  let isFirst = true;
  const types = await pair.follow((type) => {
    if (type !== "log" || !isFirst) return;
    isFirst = false;
    pair.source.tidy([]);
    pair.add("next log");
  });
  assert.deepEqual(types, ["hello", "log", "copy", "content", "alive"]);
  pair.same();
});

Deno.test("transactions while the copy is sent are in it or follow it, and the log is not emptied meanwhile", async () => {
  using pair = new Pair();
  pair.add("z".repeat(500_000), 4);
  let left = 3;
  await pair.follow((type) => {
    if (type !== "copy" || left-- < 0) return;
    pair.add("w".repeat(2_000_000));
    pair.source.tidy([]);
  });
  await pair.follow();
  pair.same();
});

Deno.test("whatever was cut off, what had arrived whole is kept, and the rest follows", async () => {
  using pair = new Pair();
  pair.add("kept");
  await pair.begin();
  const before = pair.texts();
  pair.add("v".repeat(3_000_000));
  let logs = 0;
  await assert.rejects(
    pair.follow((type) => {
      if (type === "log" && ++logs === 2) throw new Error("the line is cut");
    }),
    /the line is cut/,
  );
  assert.deepEqual(pair.texts(), before, "half a transaction is none");
  assert.deepEqual(await pair.follow(), ["hello", "log", "content", "alive"]);
  pair.same();
});

Deno.test("after a kill the server's log goes on, and so does the standby; a log of another history does not fit", async () => {
  using pair = new Pair();
  pair.add("one");
  await pair.begin();
  pair.add("two");
  await pair.follow();
  // what a kill leaves
  const files = ["rackseed.db", "rackseed.db-wal"];
  for (const name of files) Deno.copyFileSync(`${pair.data}/${name}`, `${pair.folder}/${name}`);
  pair.close();
  for (const name of files) Deno.copyFileSync(`${pair.folder}/${name}`, `${pair.data}/${name}`);
  pair.open();
  pair.add("three");
  assert.deepEqual(await pair.follow(), ["hello", "log", "content", "alive"]);
  pair.same();
  pair.close();
  for (const name of files) Deno.copyFileSync(`${pair.folder}/${name}`, `${pair.data}/${name}`);
  pair.open();
  pair.add("another three");
  assert.deepEqual(await pair.follow(), ["hello", "copy", "content", "alive"]);
  pair.same();
});

Deno.test("small files follow: changed, removed, and those that the standby has for nothing", async () => {
  using pair = new Pair();
  Deno.writeTextFileSync(`${pair.data}/token`, "t1", { mode: 0o600 });
  Deno.writeTextFileSync(`${pair.data}/keys/secrets.key.new`, "half");
  Deno.writeTextFileSync(`${pair.data}/identities/n1.json`, "{}");
  await pair.follow();
  assert.equal(Deno.readTextFileSync(`${pair.copy}/token`), "t1");
  assert.equal((Deno.statSync(`${pair.copy}/token`).mode ?? 0) & 0o777, 0o600);
  assert.throws(() => Deno.statSync(`${pair.copy}/keys/secrets.key.new`));
  Deno.writeTextFileSync(`${pair.data}/token`, "t2");
  Deno.removeSync(`${pair.data}/identities/n1.json`);
  Deno.writeTextFileSync(`${pair.copy}/identities/n2.json`, "stray");
  await pair.follow();
  assert.equal(Deno.readTextFileSync(`${pair.copy}/token`), "t2");
  assert.deepEqual([...Deno.readDirSync(`${pair.copy}/identities`)], []);
});
