/** People on the page of a complete server, as a browser talks to it: set-up, login, sessions, and what they refuse. */
import assert from "node:assert/strict";
import { API } from "#contract/api.ts";
import { AuditPage } from "#contract/api/audit.ts";
import { UserAnswer } from "#contract/api/access.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const PASSWORD = "correct horse battery";

/** A browser without a cookie jar: cookies are given by the tests. */
class Browser implements Disposable {
  readonly #test: ServerUnderTest;
  readonly #http: Deno.HttpClient;

  constructor(test: ServerUnderTest) {
    this.#test = test;
    this.#http = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(`${test.data}/tls/ca.pem`)] });
  }

  get origin(): string {
    return this.#test.server.urls.server;
  }

  /** `origin`: what the browser sends; null for none. */
  async fetch(
    path: string,
    { method = "GET", form, cookie, origin = this.origin }: {
      method?: string;
      form?: Record<string, string>;
      cookie?: string;
      origin?: string | null;
    } = {},
  ): Promise<{ status: number; cookie: string; attributes: string; text: string }> {
    const response = await fetch(this.origin + path, {
      client: this.#http,
      method: form ? "POST" : method,
      redirect: "manual",
      headers: {
        ...(cookie !== undefined && { cookie }),
        ...((form || method !== "GET") && origin !== null && { origin }),
      },
      ...(form && { body: new URLSearchParams(form) }),
    });
    const [cookieSet = "", ...attributes] = (response.headers.get("set-cookie") ?? "").split("; ");
    return {
      status: response.status,
      cookie: cookieSet,
      attributes: attributes.join("; "),
      text: await response.text(),
    };
  }

  async logIn(user: string, password: string): Promise<string> {
    const { status, cookie } = await this.fetch("/login", { form: { user, password } });
    assert.equal(status, 303);
    return cookie;
  }

  async isIn(cookie: string): Promise<boolean> {
    return (await this.fetch(`${API}/me`, { cookie })).status === 200;
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }
}

const pathOf = (link: string) => link.replace(/^https:\/\/[^/]+/, "");
const codeOf = (link: string) => link.replace(/.*code=/, "");

/** A user with a password. */
async function makeUser(test: ServerUnderTest, browser: Browser, body: { name: string; role: string }) {
  const { setup } = await test.client.post("/users", { body, schema: UserAnswer });
  const code = codeOf(setup?.path ?? "");
  const { cookie } = await browser.fetch("/setup", {
    form: { code, password: PASSWORD, repeated: PASSWORD },
  });
  return cookie;
}

Deno.test("the set-up link of the first start makes an admin with a password, once", async () => {
  await using test = await ServerUnderTest.start();
  using browser = new Browser(test);
  const link = test.server.setup ?? assert.fail("no set-up link");
  assert.match((await browser.fetch(pathOf(link))).text, /Choose this password/);
  const form = { code: codeOf(link), password: PASSWORD, repeated: PASSWORD };
  const short = await browser.fetch("/setup", { form: { ...form, password: "short", repeated: "short" } });
  assert.deepEqual([short.status, /at least 12 characters/.test(short.text)], [400, true]);
  const differ = await browser.fetch("/setup", { form: { ...form, repeated: `${PASSWORD}!` } });
  assert.deepEqual([differ.status, /passwords differ/.test(differ.text)], [400, true]);
  assert.equal((await browser.fetch("/setup", { form, origin: "https://evil.example" })).status, 403);
  const made = await browser.fetch("/setup", { form });
  assert.equal(made.status, 303);
  assert.match(made.cookie, /^__Host-rackseed=/);
  assert.equal(made.attributes, "Max-Age=43200; Path=/; HttpOnly; Secure; SameSite=Strict");
  assert.match(
    (await browser.fetch(`${API}/me`, { cookie: made.cookie })).text,
    /"name":"admin","role":"admin"/,
  );
  assert.equal((await browser.fetch("/setup", { form })).status, 410);
  assert.equal((await browser.fetch(pathOf(link))).status, 410);
  await test.restart();
  assert.equal(test.server.setup, undefined);
  assert.equal(await browser.isIn(made.cookie), true, "a session survives a restart");
});

Deno.test("a session is a new one at each login, and ends with logout, role, password and user", async () => {
  await using test = await ServerUnderTest.start();
  using browser = new Browser(test);
  await makeUser(test, browser, { name: "anna", role: "operator" });
  const planted = await browser.logIn("anna", PASSWORD);
  const { cookie: own } = await browser.fetch("/login", {
    form: { user: "anna", password: PASSWORD },
    cookie: planted,
  });
  assert.notEqual(own, planted);
  assert.equal(await browser.isIn(planted), false, "the cookie from before the login is worth nothing");
  await browser.fetch("/logout", { form: {}, cookie: own });
  assert.equal(await browser.isIn(own), false);

  const [one, two] = [await browser.logIn("anna", PASSWORD), await browser.logIn("anna", PASSWORD)];
  const change = { current: PASSWORD, password: `${PASSWORD}2`, repeated: `${PASSWORD}2` };
  const { cookie: three } = await browser.fetch("/account/password", { form: change, cookie: one });
  assert.deepEqual([await browser.isIn(one), await browser.isIn(two), await browser.isIn(three)], [
    false,
    false,
    true,
  ]);
  const wrong = await browser.fetch("/account/password", { form: change, cookie: three });
  assert.deepEqual([wrong.status, /current password is wrong/.test(wrong.text)], [401, true]);
  await test.client.send("PUT", "/users/anna", { json: { role: "viewer" } });
  assert.equal(await browser.isIn(three), false);
  const viewer = await browser.logIn("anna", `${PASSWORD}2`);
  await test.client.send("DELETE", "/users/anna");
  assert.equal(await browser.isIn(viewer), false);
  assert.equal(
    (await browser.fetch("/login", { form: { user: "anna", password: `${PASSWORD}2` } })).status,
    401,
  );
});

Deno.test("with a cookie, a change must come from the server's own page; the role counts as with a token", async () => {
  await using test = await ServerUnderTest.start();
  using browser = new Browser(test);
  const cookie = await makeUser(test, browser, { name: "vera", role: "viewer" });
  const admin = await makeUser(test, browser, { name: "anna", role: "admin" });
  for (
    const origin of [
      null,
      "null",
      "https://evil.example",
      browser.origin.replace("https", "http").replace(/\d+$/, "1"),
    ]
  ) {
    const call = await browser.fetch(`${API}/nodes/n1`, { method: "DELETE", cookie: admin, origin });
    assert.equal(call.status, 403, String(origin));
  }
  assert.equal((await browser.fetch(`${API}/nodes/n1`, { method: "DELETE", cookie: admin })).status, 404);
  assert.equal((await browser.fetch(`${API}/nodes/n1`, { method: "DELETE", cookie })).status, 403);
  assert.equal((await browser.fetch(`${API}/users`, { cookie })).status, 403);
  assert.equal((await browser.fetch(`${API}/audit`, { cookie })).status, 403);
  assert.match((await browser.fetch(`${API}/audit`, { cookie: admin })).text, /"action":"user.add"/);
});

Deno.test("a wrong user and a wrong password look the same, cost a wait, and leave nothing typed in the log", async () => {
  await using test = await ServerUnderTest.start();
  using browser = new Browser(test);
  await makeUser(test, browser, { name: "anna", role: "viewer" });
  const wrong = (user: string) => browser.fetch("/login", { form: { user, password: "wrong password" } });
  const known = await wrong("anna"), unknown = await wrong("secret-typed-here");
  assert.deepEqual([known.status, known.text], [unknown.status, unknown.text]);
  for (let i = 0; i < 3; i++) await wrong("anna");
  assert.equal((await wrong("anna")).status, 429);
  const reset = await browser.fetch("/account/password", { form: { current: PASSWORD } });
  assert.equal(reset.status, 429, "no other form clears the count");
  const right = await browser.fetch("/login", { form: { user: "anna", password: PASSWORD } });
  assert.equal(right.status, 429, "even the right one waits");
  const { entries } = await test.client.get("/audit", AuditPage);
  assert.deepEqual(entries.slice(0, 5).map(({ who, outcome }) => [who, outcome?.result]), [
    ["anna", "refused"],
    ["anna", "refused"],
    ["anna", "refused"],
    ["unknown user", "refused"],
    ["anna", "refused"],
  ]);
  assert.ok(!JSON.stringify(entries).includes("typed-here"));
});

Deno.test("the events of a user end when the role changes or the token is revoked", async () => {
  await using test = await ServerUnderTest.start();
  using browser = new Browser(test);
  await makeUser(test, browser, { name: "anna", role: "operator" });
  const body = { user: "anna", name: "ci", role: "operator", days: 1 };
  const { token, view } = await (await test.client.send("POST", "/tokens", { json: body })).json();
  using client = await test.as(token);
  const reader = (await client.send("GET", "/events")).body?.getReader() ?? assert.fail();
  await reader.read();
  await test.client.send("DELETE", `/tokens/${view.id}`);
  while (!(await reader.read()).done);
  await assert.rejects(client.send("GET", "/nodes"), { status: 401 });
});
