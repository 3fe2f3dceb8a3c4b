/** Every route and page of the HTTPS port that is not the API's, with the session of each kind of person: who gets to see it. */
import assert from "node:assert/strict";
import { API, NodeView } from "#contract/api.ts";
import { type Role, UserAnswer } from "#contract/api/access.ts";
import { DESK_PATHS } from "#contract/desk.ts";
import { ensureDesk } from "../../scripts/build.ts";
import { createApp } from "../../server/web/app.ts";
import type { ApiContext } from "../../server/web/context.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const WHO = ["none", "wrong", "viewer", "operator", "group", "admin"] as const;
type Who = typeof WHO[number];

const PASSWORD = "correct horse battery";

/** What somebody without the right gets: the status, and where it sends them. */
type Refusal = readonly [status: number, location?: string];
const LOGIN: Refusal = [303, "/"];

interface Page {
  /** By default the route's own. */
  readonly path?: string;
  readonly admits: readonly Who[];
  /** For people who have logged in, and for others. */
  readonly refusals?: readonly [people: Refusal, strangers: Refusal];
}
const PEOPLE: readonly Who[] = ["viewer", "operator", "group", "admin"];
const PUBLIC: Page = { admits: WHO };
const PERSONAL: Page = { admits: PEOPLE, refusals: [LOGIN, LOGIN] };

/** "/" shows the login to strangers. Forms are what login_test.ts is about, and single sign-on is not set up here. */
const PAGES: Readonly<Record<string, Page | "form" | "sign-on">> = {
  "GET /ca.pem": PUBLIC,
  "GET /healthz": PUBLIC,
  "GET /readyz": PUBLIC,
  "GET /metrics": { admits: PEOPLE, refusals: [[401], [401]] },
  "GET /desk.js": PUBLIC,
  "GET /desk.css": PUBLIC,
  "GET /help.css": PUBLIC,
  "GET /help": PUBLIC,
  "GET /help/api-reference": PUBLIC,
  "GET /help/:page": { ...PUBLIC, path: "/help/monitoring" },
  "GET /help/images/:name": { ...PUBLIC, path: "/help/images/none" },
  "GET /page.css": PUBLIC,
  "GET /": PUBLIC,
  "GET /setup": PUBLIC,
  "POST /login": "form",
  "POST /logout": "form",
  "POST /setup": "form",
  "POST /account/password": "form",
  "GET /page/events": { admits: PEOPLE, refusals: [[204], [204]] },
  "GET /oidc/login": "sign-on",
  "GET /oidc/callback": "sign-on",
};

/** The desk's own pages have no routes: its script draws them at these addresses. */
const DESK_PAGES = [
  ...(/\(\?:(.*?)\)/.exec(DESK_PATHS.source)?.[1] ?? "").split("|").filter((page) => page !== ""),
  ...["nodes/n1", "nodes/n1/log", "nodes/none", "images/web@1/diff/web@2", "deployments/none"],
].map((page): [string, Page] => [`GET /${page}`, PERSONAL]);

Deno.test("the list has every route beside the API's, and no other", () => {
  // routes only look at their context when they are called
  const context: object = new Proxy({}, { get: () => context });
  const { routes } = createApp(context as ApiContext, { caPem: "" });
  const names = routes.filter(({ method, path }) => method !== "ALL" && !path.startsWith(`${API}/`))
    .map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual([...new Set(names)].sort(), Object.keys(PAGES).sort());
});

Deno.test("each page is shown to those whom the list names, and sends others where they can log in", async () => {
  await ensureDesk();
  await using test = await ServerUnderTest.start();
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const origin = test.server.urls.server;
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${test.data}/tls/ca.pem`)] });
  const cookies = await cookiesOf(test, client);
  const wrong: string[] = [];
  assert.ok(DESK_PAGES.some(([name]) => name === "GET /nodes"));
  for (const [name, page] of [...Object.entries(PAGES), ...DESK_PAGES]) {
    if (typeof page === "string") continue;
    const [method = "", route = ""] = name.split(" ");
    for (const who of WHO) {
      const cookie = cookies.get(who);
      const response = await fetch(origin + (page.path ?? route), {
        client,
        method,
        redirect: "manual",
        headers: { origin, ...(cookie !== undefined && { cookie }) },
        ...(method === "POST" && { body: "{}" }),
      });
      await response.body?.cancel();
      const { status, headers } = response;
      const isRefused = [204, 303, 401, 403].includes(status);
      const [people, strangers] = page.refusals ?? [];
      const expected = page.admits.includes(who) ? undefined : PEOPLE.includes(who) ? people : strangers;
      const got = isRefused ? [status, headers.get("location") ?? undefined] : undefined;
      const asExpected = JSON.stringify(got) === JSON.stringify(expected && [expected[0], expected[1]]);
      if (!asExpected || status >= 500) wrong.push(`${who}: ${name} answered ${status}, ${got?.[1]}`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** The session of each kind of person who has set a password. */
async function cookiesOf(test: ServerUnderTest, client: Deno.HttpClient): Promise<Map<Who, string>> {
  const origin = test.server.urls.server;
  const logIn = async (name: Who, role: Role, groups?: string[]): Promise<[Who, string]> => {
    const body = { name: `${name}-user`, role, ...(groups && { groups }) };
    const { setup } = await test.client.post("/users", { body, schema: UserAnswer });
    const code = setup?.path.replace(/.*code=/, "") ?? "";
    const response = await fetch(`${origin}/setup`, {
      client,
      method: "POST",
      redirect: "manual",
      headers: { origin },
      body: new URLSearchParams({ code, password: PASSWORD, repeated: PASSWORD }),
    });
    await response.body?.cancel();
    assert.equal(response.status, 303);
    return [name, response.headers.get("set-cookie")?.split(";")[0] ?? assert.fail(name)];
  };
  const people = [
    await logIn("viewer", "viewer"),
    await logIn("operator", "operator"),
    await logIn("group", "operator", ["rack1"]),
    await logIn("admin", "admin"),
  ];
  const [, cookie = ""] = people[0] ?? [];
  return new Map<Who, string>([...people, ["wrong", cookie.replace(/=.*/, `=${"x".repeat(43)}`)]]);
}
