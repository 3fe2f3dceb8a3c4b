/** Login through an OpenID provider: what must be refused, and what follows from a role that changes. */
import assert from "node:assert/strict";
import { z } from "zod";
import { API } from "#contract/api.ts";
import { UserAnswer, UserView, WhoAmI } from "#contract/api/access.ts";
import { AuditPage } from "#contract/api/audit.ts";
import { parseRoleRule } from "#contract/role_rule.ts";
import { CLIENT, HostileIssuer, type Misbehaviour } from "../support/hostile_issuer.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const PASSWORD = "correct horse battery";
const rules = (...texts: string[]) => texts.map((text) => parseRoleRule(text) ?? assert.fail(text));

/** A server whose people log in at `issuer`, and a browser that holds no cookies of its own. */
class Site implements AsyncDisposable {
  readonly test: ServerUnderTest;
  readonly issuer: HostileIssuer;
  readonly #folder: string;
  readonly #http: Deno.HttpClient;

  private constructor(test: ServerUnderTest, { issuer, folder }: { issuer: HostileIssuer; folder: string }) {
    this.test = test;
    this.issuer = issuer;
    this.#folder = folder;
    this.#http = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(`${test.data}/tls/ca.pem`)] });
  }

  static async start(): Promise<Site> {
    const issuer = await HostileIssuer.start();
    const folder = await Deno.makeTempDir({ prefix: "rackseed-oidc-" });
    await Deno.writeTextFile(`${folder}/secret`, `${CLIENT.secret}\n`);
    const settings = {
      oidcIssuer: issuer.url,
      oidcClientId: CLIENT.id,
      oidcSecretFile: `${folder}/secret`,
      oidcRole: rules("admin=admins", "operator=ops", "operator/rack1=r1"),
    };
    return new Site(await ServerUnderTest.start({ settings }), { issuer, folder });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.close();
    await this.test[Symbol.asyncDispose]();
    await this.issuer[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async fetch(path: string, { cookie = "", form }: { cookie?: string; form?: Record<string, string> } = {}) {
    const { server } = this.test.server.urls;
    const response = await fetch(server + path, {
      client: this.#http,
      redirect: "manual",
      headers: { cookie, origin: server },
      ...(form && { method: "POST", body: new URLSearchParams(form) }),
    });
    const cookies = response.headers.getSetCookie().map((line) => line.split(";")[0] ?? "");
    return {
      status: response.status,
      text: (await response.text()).replaceAll("&#39;", "'").replaceAll("&quot;", '"'),
      location: response.headers.get("location") ?? "",
      attempt: cookies.find((one) => one.startsWith("__Host-rackseed-login=")) ?? "",
      session: cookies.find((one) => one.startsWith("__Host-rackseed=")) ?? "",
    };
  }

  /** The whole way; `change` is what the browser makes of the way back. */
  async logIn(
    behaviour: Misbehaviour = {},
    change: (way: { path: string; cookie: string }) => { path: string; cookie: string } = (way) => way,
  ) {
    this.issuer.behaviour = behaviour;
    const { status, location, attempt } = await this.fetch("/oidc/login");
    assert.equal(status, 303);
    const { path, cookie } = change({ path: this.issuer.logIn(location), cookie: attempt });
    return await this.fetch(path, { cookie });
  }

  async who(session: string): Promise<WhoAmI | undefined> {
    const { status, text } = await this.fetch(`${API}/me`, { cookie: session });
    return status === 200 ? WhoAmI.parse(JSON.parse(text)) : undefined;
  }
}

type Way = { path: string; cookie: string };
const seconds = Math.floor(Date.now() / 1000);

const REFUSED: [
  what: string,
  status: number,
  reason: RegExp,
  by: Misbehaviour,
  change?: (way: Way) => Way,
][] = [
  ["another nonce", 401, /nonce/, { claims: { nonce: "n".repeat(43) } }],
  ["an expired ID token", 401, /exp/, { claims: { iat: seconds - 900, exp: seconds - 600 } }],
  ["an ID token for another client", 401, /aud/, { claims: { aud: "other" } }],
  ["an ID token of another issuer", 401, /iss/, { claims: { iss: "https://evil.example" } }],
  ["a signature by an unknown key", 401, /signature/, { foreignKey: true }],
  ["no signature", 401, /alg/, { alg: "none" }],
  ["a missing role", 403, /no claim groups/, { claims: { groups: undefined } }],
  ["no role here", 403, /none of anna's values/, { claims: { groups: ["others"] } }],
  ["a missing name", 403, /no claim preferred_username/, { claims: { preferred_username: undefined } }],
  [
    "another person's userinfo",
    401,
    /sub/,
    { claims: { groups: undefined }, userinfo: { sub: "2", groups: ["admins"] } },
  ],
  ["a code that the provider refuses", 401, /refused: invalid_grant/, { error: "invalid_grant" }],
  ["an endless answer", 503, /larger than 1 MiB/, { paddingBytes: 2 << 20 }],
  ["another state", 401, /state/, {}, (way) => ({ ...way, path: way.path.replace(/state=\w/, "state=_") })],
  ["no cookie of this login", 401, /has not begun/, {}, (way) => ({ ...way, cookie: "" })],
  [
    "a cookie that was changed",
    401,
    /has not begun/,
    {},
    (way) => ({ ...way, cookie: way.cookie.replace(/=\d/, "=9") }),
  ],
  [
    "the person's own refusal",
    401,
    /refused: access_denied/,
    {},
    (way) => ({ ...way, path: way.path.replace("code=one", "error=access_denied") }),
  ],
];

Deno.test("a login is refused for whatever is wrong with it, and a right one gets in after each", async () => {
  await using site = await Site.start();
  for (const [what, status, reason, behaviour, change] of REFUSED) {
    const refused = await site.logIn(behaviour, change);
    assert.deepEqual([refused.status, refused.session], [status, ""], `${what}: ${refused.text}`);
    assert.match(refused.text, reason, what);
    assert.ok(!refused.text.includes(CLIENT.secret));
    const right = await site.logIn();
    assert.equal(right.status, 200, right.text);
    const { name, role, user } = await site.who(right.session) ?? assert.fail(what);
    assert.deepEqual([name, role, user], ["anna", "operator", "anna"]);
  }
  const { entries } = await site.test.client.get("/audit", AuditPage);
  const [last, before] = entries;
  assert.deepEqual([last?.action, last?.who, before?.who, before?.outcome?.result], [
    "login",
    "anna",
    "unknown user (single sign-on)",
    "refused",
  ]);
  assert.equal(entries.filter(({ action }) => action === "user.add").length, 1);
});

Deno.test("failed ways back make their address wait, as wrong passwords do", async () => {
  await using site = await Site.start();
  for (let i = 0; i < 5; i++) assert.equal((await site.fetch("/oidc/callback?code=x")).status, 401);
  assert.equal((await site.fetch("/oidc/callback?code=x")).status, 429);
});

Deno.test("while the provider is down people are told, passwords work, and the server starts", async () => {
  await using site = await Site.start();
  const { setup } = await site.test.client.post("/users", {
    body: { name: "otto", role: "viewer" },
    schema: UserAnswer,
  });
  const code = setup?.path.replace(/.*=/, "") ?? "";
  const form = { code, password: PASSWORD, repeated: PASSWORD };
  assert.equal((await site.fetch("/setup", { form })).status, 303);
  await site.issuer[Symbol.asyncDispose]();
  await site.test.restart();
  const down = await site.fetch("/oidc/login");
  assert.deepEqual([down.status, down.attempt], [503, ""]);
  assert.match(down.text, /cannot be used: .*log in with a password/s);
  const { status, session } = await site.fetch("/login", { form: { user: "otto", password: PASSWORD } });
  assert.equal(status, 303);
  assert.equal((await site.who(session))?.name, "otto");
});

Deno.test("the provider's word on a role counts at each login, and ends the sessions of the role before", async () => {
  await using site = await Site.start();
  const operator = await site.logIn();
  const again = await site.logIn();
  assert.equal((await site.who(operator.session))?.role, "operator", "the same role ends no session");
  const limited = await site.logIn({ claims: { groups: ["r1"] } });
  assert.deepEqual((await site.who(limited.session))?.groups, ["rack1"]);
  assert.equal(await site.who(operator.session), undefined);
  assert.equal(await site.who(again.session), undefined);
  const admin = await site.logIn({
    claims: { groups: undefined },
    userinfo: { sub: "1", groups: ["admins"] },
  });
  assert.equal((await site.who(admin.session))?.role, "admin", "claims may come from userinfo");
  const { client } = site.test;
  for (const json of [{ role: "viewer" }, { groups: null }, { reset: true }]) {
    await assert.rejects(client.send("PUT", "/users/anna", { json }), { status: 409 });
  }
});

Deno.test("a user who appears is listed and can be refused, by login and by token, and admitted again", async () => {
  await using site = await Site.start();
  const { client } = site.test;
  const { session } = await site.logIn();
  const users = await client.get("/users", z.array(UserView));
  const anna = users.find(({ name }) => name === "anna") ?? assert.fail("not listed");
  assert.deepEqual([anna.role, anna.signsOn, anna.hasPassword, anna.isRefused], [
    "operator",
    true,
    false,
    false,
  ]);
  const json = { user: "anna", name: "ci", role: "viewer", days: 1 };
  const { token } = await (await client.send("POST", "/tokens", { json })).json();
  using byToken = await site.test.as(token);
  await byToken.send("GET", "/nodes");
  await client.send("PUT", "/users/anna", { json: { refuse: true } });
  assert.equal(await site.who(session), undefined);
  await assert.rejects(byToken.send("GET", "/nodes"), { status: 401 });
  const refused = await site.logIn();
  assert.deepEqual([refused.status, refused.session], [403, ""]);
  assert.match(refused.text, /an admin has refused anna/);
  await client.send("PUT", "/users/anna", { json: { refuse: false } });
  assert.equal((await site.who((await site.logIn()).session))?.name, "anna");
});

Deno.test("a name of another user is not taken over", async () => {
  await using site = await Site.start();
  await site.test.client.send("POST", "/users", { json: { name: "root.admin", role: "admin" } });
  const local = await site.logIn({ claims: { preferred_username: "root.admin" } });
  assert.match(local.text, /the name root.admin is taken/);
  await site.logIn();
  const other = await site.logIn({ claims: { sub: "2" } });
  assert.deepEqual([other.session, /the name anna is taken/.test(other.text)], ["", true]);
});
