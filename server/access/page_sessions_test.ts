import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { EndedSessions } from "../store/ended_sessions.ts";
import { AdminToken } from "./admin_token.ts";
import { PageSessions, SESSION_SECONDS } from "./page_sessions.ts";

const PIN = "p".repeat(43);

function open(db = new DatabaseSync(":memory:")) {
  const folder = Deno.makeTempDirSync();
  const clock = { ms: 0 };
  const start = () =>
    new PageSessions({
      admin: AdminToken.open(folder, { pin: PIN }),
      ended: new EndedSessions(db),
      now: () => clock.ms,
    });
  return { folder, clock, start, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

Deno.test("a session lasts until it expires, and ends with the token that signed it", () => {
  using test = open();
  const sessions = test.start();
  const cookie = sessions.begin();
  for (const wrong of [`${cookie}x`, cookie.replace(/^\d+/, "99999999999"), "", "a.b.c"]) {
    assert.equal(sessions.isOpen(wrong), false, wrong);
  }
  test.clock.ms = SESSION_SECONDS * 1000 - 1;
  assert.equal(sessions.isOpen(cookie), true);
  test.clock.ms++;
  assert.equal(sessions.isOpen(cookie), false);
  test.clock.ms = 0;
  Deno.removeSync(`${test.folder}/token`);
  assert.equal(test.start().isOpen(cookie), false);
});

Deno.test("a logged-out cookie is invalid, even after a restart; other sessions continue", () => {
  using test = open();
  const sessions = test.start();
  const cookie = sessions.begin(), other = sessions.begin();
  const watched = sessions.untilEnd(cookie), alsoWatched = sessions.untilEnd(other);
  sessions.end(cookie);
  assert.equal(sessions.isOpen(cookie), false);
  assert.equal(watched?.aborted, true);
  assert.equal(sessions.untilEnd(cookie), undefined);
  const restarted = test.start();
  assert.equal(restarted.isOpen(cookie), false);
  assert.equal(restarted.isOpen(other), true);
  assert.equal(alsoWatched?.aborted, false);
});

Deno.test("a logged-out session is forgotten once it would have expired; a forged one is never stored", () => {
  const db = new DatabaseSync(":memory:");
  using test = open(db);
  const sessions = test.start();
  const count = () => (db.prepare("SELECT count(*) AS n FROM ended_sessions").get() as { n: number }).n;
  sessions.end(`1.${"A".repeat(22)}.${"B".repeat(43)}`);
  assert.equal(count(), 0);
  sessions.end(sessions.begin());
  test.clock.ms = SESSION_SECONDS * 1000;
  sessions.end(sessions.begin());
  assert.equal(count(), 1);
});
