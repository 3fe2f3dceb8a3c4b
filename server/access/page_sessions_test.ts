import assert from "node:assert/strict";
import { EndedSessions } from "../store/ended_sessions.ts";
import { AdminToken } from "./admin_token.ts";
import { IDLE_SECONDS, PageSessions, SESSION_SECONDS } from "./page_sessions.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const PIN = "p".repeat(43);
const ANNA = { name: "anna", generation: "first" };

function open(db = emptyDatabase()) {
  const folder = Deno.makeTempDirSync();
  const clock = { ms: 0 };
  const users = new Map([["anna", "first"]]);
  const admin = () => AdminToken.open(folder, { pin: PIN });
  const start = () =>
    new PageSessions({
      admin: admin(),
      ended: new EndedSessions(db),
      generationOf: (user) => users.get(user),
      now: () => clock.ms,
    });
  return {
    folder,
    clock,
    users,
    start,
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

const isOpen = (sessions: PageSessions, cookie: string) =>
  sessions.find(cookie, { isUse: true }) !== undefined;

Deno.test("a session that is used lasts until it expires, and ends with the token that signed it", () => {
  using test = open();
  const sessions = test.start();
  const cookie = sessions.begin(undefined);
  for (const wrong of [`${cookie}x`, cookie.replace(/^\d+/, "99999999999"), "", "a.b.c", "a.b.c.d"]) {
    assert.equal(isOpen(sessions, wrong), false, wrong);
  }
  for (; test.clock.ms < SESSION_SECONDS * 1000; test.clock.ms += 1800_000) {
    assert.equal(isOpen(sessions, cookie), true);
  }
  test.clock.ms = SESSION_SECONDS * 1000 - 1;
  assert.equal(isOpen(sessions, cookie), true);
  test.clock.ms++;
  assert.equal(isOpen(sessions, cookie), false);
  test.clock.ms = 0;
  Deno.removeSync(`${test.folder}/token`);
  assert.equal(isOpen(test.start(), cookie), false);
});

Deno.test("a session ends without use; a page that only watches is no use", () => {
  using test = open();
  const sessions = test.start();
  const cookie = sessions.begin(ANNA);
  test.clock.ms = IDLE_SECONDS * 1000 - 1;
  assert.equal(sessions.find(cookie, { isUse: false })?.user, "anna");
  test.clock.ms++;
  assert.equal(isOpen(sessions, cookie), false);
});

Deno.test("a user's sessions end with the user's role or password, and with the user", () => {
  using test = open();
  const sessions = test.start();
  const cookie = sessions.begin(ANNA), admins = sessions.begin(undefined);
  assert.equal(sessions.find(cookie, { isUse: true })?.user, "anna");
  test.users.set("anna", "second");
  assert.equal(isOpen(sessions, cookie), false);
  assert.equal(isOpen(sessions, sessions.begin({ name: "anna", generation: "second" })), true);
  test.users.delete("anna");
  assert.equal(isOpen(sessions, cookie), false);
  assert.equal(isOpen(sessions, admins), true);
  const forged = cookie.split(".").with(2, "").join(".");
  assert.equal(isOpen(sessions, forged), false, "it is not the admin token's");
});

Deno.test("a logged-out cookie is invalid, even after a restart; other sessions continue", () => {
  using test = open();
  const sessions = test.start();
  const cookie = sessions.begin(undefined), other = sessions.begin(undefined);
  sessions.end(cookie);
  assert.equal(isOpen(sessions, cookie), false);
  const restarted = test.start();
  assert.equal(isOpen(restarted, cookie), false);
  assert.equal(isOpen(restarted, other), true);
});

Deno.test("on a full disk a session can still be logged out", () => {
  const db = emptyDatabase();
  using test = open(db);
  const sessions = test.start();
  const cookie = sessions.begin(undefined);
  db.exec("CREATE TABLE filler (a TEXT)");
  db.exec(
    `PRAGMA max_page_count = ${(db.prepare("PRAGMA page_count").get() as { page_count: number }).page_count}`,
  );
  for (let i = 0; i < 200; i++) sessions.end(sessions.begin(undefined));
  sessions.end(cookie);
  assert.equal(isOpen(sessions, cookie), false);
});

Deno.test("a logged-out session is forgotten once it would have expired; a forged one is never stored", () => {
  const db = emptyDatabase();
  using test = open(db);
  const sessions = test.start();
  const count = () => (db.prepare("SELECT count(*) AS n FROM ended_sessions").get() as { n: number }).n;
  sessions.end(`1.${"A".repeat(22)}..${"B".repeat(43)}`);
  assert.equal(count(), 0);
  sessions.end(sessions.begin(undefined));
  test.clock.ms = SESSION_SECONDS * 1000;
  sessions.end(sessions.begin(undefined));
  assert.equal(count(), 1);
});
