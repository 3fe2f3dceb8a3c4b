import assert from "node:assert/strict";
import { parseToken } from "#contract/token.ts";
import { ApiTokens } from "../store/api_tokens.ts";
import { EndedSessions } from "../store/ended_sessions.ts";
import { Users } from "../store/users.ts";
import { ADMIN_TOKEN, AdminToken } from "./admin_token.ts";
import { PageSessions } from "./page_sessions.ts";
import { People } from "./people.ts";
import type { Principal } from "./principal.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const PIN = "p".repeat(43);
const PASSWORD = "correct horse battery";
const DAY_MS = 86_400_000;

function open() {
  const folder = Deno.makeTempDirSync();
  const db = emptyDatabase();
  const clock = { ms: 0 }, now = () => clock.ms;
  const admin = AdminToken.open(folder, { pin: PIN });
  const users = new Users(db, { now }), tokens = new ApiTokens(db, { now });
  const generationOf = (name: string) => users.find(name)?.generation;
  const sessions = new PageSessions({ admin, ended: new EndedSessions(db), generationOf, now });
  const people = new People({ admin, users, tokens, sessions, pin: PIN, now });
  return { db, clock, people, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

const codeOf = (path: string | undefined) =>
  path?.replace("/setup?code=", "") ?? assert.fail("no set-up link");

/** The user's principal by a new token of the highest role. */
function tokenOf(people: People, user: string, role: "viewer" | "operator" | "admin", days = 1): Principal {
  const { token } = people.addToken(ADMIN_TOKEN, {
    user,
    name: `t${Math.random()}`.slice(0, 20),
    role,
    days,
  });
  return people.ofBearer(token) ?? assert.fail("the token is not known");
}

Deno.test("a set-up link is good once and for a day; a new one takes its place", async () => {
  using test = open();
  const { people, clock } = test;
  const first = codeOf(people.add({ name: "anna", role: "viewer" }).setup?.path);
  const second = codeOf(people.change("anna", { reset: true }).setup?.path);
  assert.equal(people.ofSetup(first), undefined);
  clock.ms = DAY_MS - 1;
  assert.equal(people.ofSetup(second)?.name, "anna");
  clock.ms++;
  assert.equal(people.ofSetup(second), undefined);
  const third = codeOf(people.change("anna", { reset: true }).setup?.path);
  const both = await Promise.all([people.setUp(third, PASSWORD), people.setUp(third, `${PASSWORD}!`)]);
  assert.equal(both.filter((found) => found !== undefined).length, 1);
  assert.equal(people.ofSetup(third), undefined);
});

Deno.test("a password logs in until it is reset; the sessions that it began end with it", async () => {
  using test = open();
  const { people } = test;
  await people.setUp(codeOf(people.add({ name: "anna", role: "operator" }).setup?.path), PASSWORD);
  const session = await people.logIn("anna", PASSWORD) ?? assert.fail("no session");
  const of = () => people.ofCookie(session.cookie, { isUse: true });
  assert.deepEqual([of()?.name, of()?.role], ["anna", "operator"]);
  assert.equal(await people.logIn("anna", `${PASSWORD} `), undefined);
  assert.equal(await people.logIn("otto", PASSWORD), undefined);
  const changed = await people.changePassword("anna", { current: PASSWORD, password: `${PASSWORD}2` });
  assert.equal(of(), undefined);
  assert.equal(people.ofCookie(changed?.cookie ?? "", { isUse: true })?.name, "anna");
  people.change("anna", { reset: true });
  assert.equal(await people.logIn("anna", `${PASSWORD}2`), undefined);
  assert.equal(people.ofCookie(changed?.cookie ?? "", { isUse: true }), undefined);
});

Deno.test("a user removed during the login does not get in", async () => {
  using test = open();
  const { people } = test;
  await people.setUp(codeOf(people.add({ name: "anna", role: "admin" }).setup?.path), PASSWORD);
  const login = people.logIn("anna", PASSWORD);
  people.remove("anna");
  people.add({ name: "anna", role: "admin" });
  assert.equal(await login, undefined);
});

Deno.test("a token has at most its user's role of that moment, and ends with its time, its user, or by being revoked", () => {
  using test = open();
  const { people, clock } = test;
  people.add({ name: "anna", role: "operator", groups: ["rack1"] });
  const { token, view } = people.addToken(ADMIN_TOKEN, {
    user: "anna",
    name: "ci",
    role: "operator",
    days: 2,
  });
  const of = () => people.ofBearer(parseToken(token)?.secret ?? "");
  assert.deepEqual([of()?.name, of()?.role, of()?.groups], ["anna (token ci)", "operator", ["rack1"]]);
  people.change("anna", { role: "viewer" });
  assert.deepEqual([of()?.role, of()?.groups], ["viewer", undefined]);
  people.change("anna", { role: "admin" });
  assert.equal(of()?.role, "operator");
  assert.equal(people.tokens(ADMIN_TOKEN)[0]?.lastUsed, new Date(0).toISOString());
  clock.ms = 2 * DAY_MS - 1;
  assert.ok(of());
  clock.ms++;
  assert.equal(of(), undefined);
  clock.ms = 0;
  people.revokeToken(ADMIN_TOKEN, view.id);
  assert.equal(of(), undefined);
  const anna = tokenOf(people, "anna", "viewer");
  people.remove("anna");
  people.add({ name: "anna", role: "admin" });
  assert.deepEqual(people.tokens(anna), [], "a new user of the same name does not inherit it");
});

const EXCESSIVE: [what: string, by: "viewer" | "operator" | "admin", request: object, reason: RegExp][] = [
  ["a higher role than the one who makes it", "operator", { role: "admin" }, /role would be above/],
  ["another user", "operator", { user: "otto", role: "viewer" }, /only an admin/],
  ["an unknown user", "operator", { user: "nobody", role: "viewer" }, /only an admin/],
  ["a higher role than its user", "admin", { user: "otto", role: "operator" }, /above otto's, viewer/],
  ["a longer life than the token that makes it", "viewer", { role: "viewer", days: 2 }, /outlive/],
];

for (const [what, role, request, reason] of EXCESSIVE) {
  Deno.test(`a token is not made for ${what}`, () => {
    using test = open();
    const { people } = test;
    people.add({ name: "anna", role: "admin" });
    people.add({ name: "otto", role: "viewer" });
    const by = tokenOf(people, "anna", role);
    const make = () => people.addToken(by, { name: "x", role, days: 1, ...request });
    assert.throws(
      make,
      (error: { reason: string; status: number }) => error.status === 403 && reason.test(error.reason),
    );
  });
}

Deno.test("people see and revoke their own tokens only", () => {
  using test = open();
  const { people } = test;
  people.add({ name: "anna", role: "operator" });
  people.add({ name: "otto", role: "viewer" });
  const anna = tokenOf(people, "anna", "operator"), otto = tokenOf(people, "otto", "viewer");
  const [mine] = people.tokens(otto);
  assert.deepEqual(people.tokens(otto).map(({ user }) => user), ["otto"]);
  assert.throws(() => people.revokeToken(anna, mine?.id ?? ""), { status: 404 });
  people.revokeToken(otto, mine?.id ?? "");
});

Deno.test("the first start offers an admin, until there is one with a password; nothing secret is stored", async () => {
  using test = open();
  const { people, db } = test;
  const first = codeOf(people.firstSetup()), again = codeOf(people.firstSetup());
  assert.equal(people.ofSetup(first), undefined);
  await people.setUp(again, PASSWORD);
  assert.equal(people.firstSetup(), undefined);
  const { token } = people.addToken(ADMIN_TOKEN, { user: "admin", name: "ci", role: "admin", days: 1 });
  const stored = JSON.stringify([
    ...db.prepare("SELECT * FROM users").all(),
    ...db.prepare("SELECT * FROM api_tokens").all(),
  ]);
  for (const secret of [PASSWORD, again, parseToken(token)?.secret ?? ""]) {
    assert.ok(!stored.includes(secret));
  }
});

Deno.test("an operator who loses the role loses the groups; groups are for operators only", () => {
  using test = open();
  const { people } = test;
  people.add({ name: "anna", role: "operator", groups: ["rack1"] });
  assert.equal(people.change("anna", { role: "viewer" }).user.groups, undefined);
  assert.throws(() => people.change("anna", { groups: ["rack1"] }), { status: 400 });
  assert.deepEqual(people.change("anna", { role: "operator", groups: ["rack2"] }).user.groups, ["rack2"]);
  assert.equal(people.change("anna", { groups: null }).user.groups, undefined);
});
