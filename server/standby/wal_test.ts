import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { WalCursor } from "./wal.ts";

/** A database with an open log, as the server keeps one. */
function openLog(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
  db.exec("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)");
  return db;
}

const add = (db: DatabaseSync, text: string) => db.prepare("INSERT INTO t (text) VALUES (?)").run(text);

function scanned(log: Uint8Array): WalCursor {
  const cursor = WalCursor.at(log);
  assert.ok(cursor);
  cursor.scan(log.subarray(cursor.scannedTo));
  return cursor;
}

Deno.test("a log is followed to the end of its last transaction, in one piece or in many", () => {
  const folder = Deno.makeTempDirSync();
  const db = openLog(`${folder}/db`);
  const cursors: WalCursor[] = [];
  for (let i = 0; i < 20; i++) {
    add(db, "x".repeat(3000 * i));
    const log = Deno.readFileSync(`${folder}/db-wal`);
    const cursor = cursors[0] ?? scanned(log);
    cursors[0] = cursor;
    cursor.scan(log.subarray(cursor.scannedTo));
    assert.equal(cursor.position.at, log.length);
    assert.deepEqual(cursor.position, scanned(log).position);
  }
  db.close();
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("frames of a transaction that has not ended are not counted, and are forgotten", () => {
  const folder = Deno.makeTempDirSync();
  const db = openLog(`${folder}/db`);
  add(db, "whole");
  const before = Deno.statSync(`${folder}/db-wal`).size;
  // more than the cache holds, so that pages reach the log before the end
  db.exec("PRAGMA cache_size = 2; BEGIN");
  for (let i = 0; i < 50; i++) add(db, "y".repeat(4000));
  const log = Deno.readFileSync(`${folder}/db-wal`);
  assert.ok(log.length > before, "SQLite wrote pages before the end");
  const cursor = scanned(log);
  assert.equal(cursor.position.at, before);
  assert.ok(cursor.scannedTo > before);
  db.exec("ROLLBACK");
  cursor.rewind();
  add(db, "next");
  const later = Deno.readFileSync(`${folder}/db-wal`);
  cursor.scan(later.subarray(cursor.scannedTo));
  assert.equal(cursor.position.at, scanned(later).position.at);
  assert.ok(cursor.position.at > before);
  db.close();
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a changed byte anywhere ends the log before its transaction", () => {
  const folder = Deno.makeTempDirSync();
  const db = openLog(`${folder}/db`);
  add(db, "one");
  const first = Deno.statSync(`${folder}/db-wal`).size;
  add(db, "two");
  const log = Deno.readFileSync(`${folder}/db-wal`);
  db.close();
  for (let at = first; at < log.length; at += 97) {
    const changed = log.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.ok(scanned(changed).position.at <= first, `byte ${at}`);
  }
  for (let at = 0; at < 32; at++) {
    const changed = log.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(WalCursor.at(changed), undefined, `byte ${at} of the header`);
  }
  assert.equal(WalCursor.at(log.subarray(0, 31)), undefined);
  Deno.removeSync(folder, { recursive: true });
});
