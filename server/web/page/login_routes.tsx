/** How people log in on the page: by user and password, by the admin token, or by a set-up link; and log out. */
import { type Context, Hono } from "hono";
import { deleteCookie } from "hono/cookie";
import { Password } from "#contract/api/access.ts";
import { RackseedError } from "#contract/errors.ts";
import { ADMIN_TOKEN } from "../../access/admin_token.ts";
import { COOKIE } from "../../access/page_sessions.ts";
import type { Principal } from "../../access/principal.ts";
import { type ApiContext, type Env, peerAddress, principalOf, refuseForeignOrigin } from "../context.ts";
import { type Words, wordsFor } from "./access_messages.ts";
import { LoginPage, SetupPage } from "./access_pages.tsx";
import { beginSession, endSession } from "./session_cookie.ts";
import { html } from "./shell.tsx";

type LoginContext = Pick<
  ApiContext,
  "people" | "sessions" | "signOn" | "logins" | "live" | "desk" | "audit"
>;

export function loginRoutes(context: LoginContext): Hono<Env> {
  const { people, sessions, logins, audit } = context;
  const app = new Hono<Env>();
  const provider = context.signOn?.provider.name;
  const loginPage = (c: Context<Env>, problem?: Parameters<Words>[0]) => {
    const t = words(c);
    return html(<LoginPage t={t} provider={provider} problem={problem && t(problem)} />);
  };

  app.get("/", async (c, next) => {
    c.header("cache-control", "no-store");
    const token = c.req.query("token");
    if (token !== undefined) return withToken(c, token);
    return principalOf(c, people) ? await next() : c.html(loginPage(c));
  });

  app.post("/login", async (c) => {
    refuseForeignOrigin(c);
    const { user, password, token } = fieldsOf(c);
    if (token !== "") return withToken(c, token.trim());
    const found = await people.logIn(user, password);
    if (found) return enter(c, found);
    logins.failed(people.knownName(user), { address: peerAddress(c), status: 401 });
    return c.html(loginPage(c, "wrongUser"), 401);
  });

  app.post("/logout", (c) => {
    refuseForeignOrigin(c);
    const principal = principalOf(c, people);
    if (principal) logins.loggedOut(principal, peerAddress(c));
    endSession(c, context);
    deleteCookie(c, COOKIE, { path: "/", secure: true });
    return c.redirect("/", 303);
  });

  app.get("/setup", (c) => {
    c.header("cache-control", "no-store");
    const code = c.req.query("code") ?? "", user = people.ofSetup(code);
    return user
      ? c.html(html(<SetupPage t={words(c)} user={user.name} code={code} />))
      : c.html(loginPage(c, "usedLink"), 410);
  });

  app.post("/setup", async (c) => {
    refuseForeignOrigin(c);
    const { code, password, repeated } = fieldsOf(c);
    const user = people.ofSetup(code);
    if (!user) return c.html(loginPage(c, "usedLink"), 410);
    const problem = problemOf(password, repeated, words(c));
    if (problem !== undefined) {
      return c.html(html(<SetupPage t={words(c)} user={user.name} code={code} problem={problem} />), 400);
    }
    const act = audit.begin(passwordAct(c, user));
    const found = await people.setUp(code, password);
    act.end(found ? { result: "done", status: 303 } : { result: "refused", status: 410 });
    if (!found) return c.html(loginPage(c, "usedLink"), 410);
    context.desk.noteStale("people");
    return enter(c, found);
  });

  // a form of the desk: refusals are as the API's, success is a new session
  app.post("/account/password", async (c) => {
    refuseForeignOrigin(c);
    const principal = principalOf(c, people);
    if (principal?.user === undefined || principal.expiresMs !== undefined) {
      throw passwordStays(401, {
        reason: "nobody is logged in with a password here.",
        remedy: "log in with your password first.",
      });
    }
    const { current, password, repeated } = fieldsOf(c);
    const reason = problemOf(password, repeated, wordsFor());
    if (reason !== undefined) throw passwordStays(400, { reason, remedy: "choose another password." });
    const act = audit.begin(passwordAct(c, principal));
    const found = await people.changePassword(principal.user, { current, password });
    act.end(found ? { result: "done", status: 303 } : { result: "refused", status: 401 });
    if (found) return enter(c, found);
    throw passwordStays(401, { reason: "the current password is wrong.", remedy: "type it again." });
  });
  return app;

  function withToken(c: Context<Env>, token: string): Response | Promise<Response> {
    const principal = people.ofBearer(token);
    if (principal === ADMIN_TOKEN) return enter(c, { cookie: sessions.begin(undefined), principal });
    logins.failed("unknown token", { address: peerAddress(c), status: 401 });
    return c.html(loginPage(c, "wrongToken"), 401);
  }

  function enter(c: Context<Env>, found: Parameters<typeof beginSession>[1]): Response {
    beginSession(c, found, context);
    return c.redirect("/", 303);
  }
}

function passwordAct(c: Context<Env>, { name, role }: Pick<Principal, "name" | "role">) {
  return { who: name, role, address: peerAddress(c), action: "password.set", nodes: [], images: [] };
}

function passwordStays(status: 400 | 401, { reason, remedy }: { reason: string; remedy: string }) {
  return new RackseedError("cannot change the password", { reason, remedy, status });
}

function words(c: Context<Env>): Words {
  return wordsFor(c.req.header("accept-language"));
}

/** Why this cannot be a new password. */
function problemOf(password: string, repeated: string, t: Words): string | undefined {
  const checked = Password.safeParse(password);
  if (!checked.success) return t("passwordRefused", { why: checked.error.issues[0]?.message ?? "" });
  return password === repeated ? undefined : t("passwordsDiffer");
}

/** The fields of the form; "" for those that are missing. */
function fieldsOf(c: Context<Env>): Record<Field, string> {
  const text = (name: Field) => (c.get("form")?.get(name) ?? "").slice(0, MAX_FIELD);
  return {
    user: text("user"),
    password: text("password"),
    repeated: text("repeated"),
    current: text("current"),
    token: text("token"),
    code: text("code"),
  };
}

type Field = "user" | "password" | "repeated" | "current" | "token" | "code";
/** More than any of them may have. */
const MAX_FIELD = 1024;
