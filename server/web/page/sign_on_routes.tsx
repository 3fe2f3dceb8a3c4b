/**
 * Login through the site's OpenID provider: to its login page and back. The way back is a navigation that another site
 * began, with which browsers send no `SameSite=Strict` cookie, not even after a redirect. So it answers with a page,
 * which goes on by itself: what this page asks for is the server's own.
 */
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { getLogger } from "@logtape/logtape";
import { RackseedError } from "#contract/errors.ts";
import {
  ATTEMPT_COOKIE,
  ATTEMPT_SECONDS,
  attemptCookie,
  newAttempt,
  readAttempt,
} from "../../access/oidc_attempt.ts";
import type { OidcPerson } from "../../access/oidc_claims.ts";
import { type ApiContext, type Env, peerAddress } from "../context.ts";
import { SIGN_ON_RETURN } from "../login_attempts.ts";
import { wordsFor } from "./access_messages.ts";
import { EnteredPage, LoginPage } from "./access_pages.tsx";
import { beginSession } from "./session_cookie.ts";
import { html } from "./shell.tsx";

const log = getLogger(["rackseed", "access"]);
/** In the audit log, for those who did not get in: what the provider says of them is not checked yet. */
const STRANGER = "unknown user (single sign-on)";

type SignOnContext = Pick<
  ApiContext,
  "people" | "sessions" | "signOn" | "logins" | "live" | "desk" | "audit" | "now"
>;

/** No routes if the site has no provider. */
export function signOnRoutes(context: SignOnContext): Hono<Env> {
  const { people, signOn, logins, audit, now } = context;
  const app = new Hono<Env>();
  if (signOn === undefined) return app;
  const { provider, signer } = signOn;

  app.get("/oidc/login", async (c) => {
    c.header("cache-control", "no-store");
    const attempt = newAttempt();
    try {
      const url = await provider.loginUrl(attempt, returnUri(c));
      setCookie(c, ATTEMPT_COOKIE, attemptCookie(attempt, signer, now()), {
        path: "/",
        httpOnly: true,
        secure: true,
        sameSite: "Lax",
        maxAge: ATTEMPT_SECONDS,
      });
      return c.redirect(url, 303);
    } catch (error) {
      return refuse(c, error);
    }
  });

  app.get(SIGN_ON_RETURN, async (c) => {
    c.header("cache-control", "no-store");
    const attempt = readAttempt(getCookie(c, ATTEMPT_COOKIE) ?? "", signer, now());
    deleteCookie(c, ATTEMPT_COOKIE, { path: "/", secure: true });
    try {
      if (attempt === undefined) throw notBegun();
      const person = await provider.person(new URL(c.req.url).searchParams, attempt, returnUri(c));
      beginSession(c, enter(c, person), context);
      return c.html(html(<EnteredPage t={wordsFor(c.req.header("accept-language"))} />));
    } catch (error) {
      logins.failed(STRANGER, { address: peerAddress(c), status: 401 });
      return refuse(c, error);
    }
  });
  return app;

  /** Recorded like the same change by an admin. */
  function enter(c: Context<Env>, person: OidcPerson): ReturnType<typeof people.signOn> {
    const action = people.changeBySignOn(person);
    if (action === undefined) return people.signOn(person);
    const { name, role } = person;
    const who = { who: name, role, address: peerAddress(c), nodes: [], images: [] };
    const act = audit.begin({ ...who, action, subject: `${name} ${role}` });
    try {
      const found = people.signOn(person);
      act.end({ result: "done", status: 200 });
      return found;
    } catch (error) {
      act.end({ result: "refused", status: error instanceof RackseedError ? error.status : 500 });
      throw error;
    }
  }

  function refuse(c: Context<Env>, error: unknown): Response | Promise<Response> {
    if (!(error instanceof RackseedError)) throw error;
    log.warn("sign-on-failed", { address: peerAddress(c), reason: error.reason });
    const t = wordsFor(c.req.header("accept-language"));
    const problem = t("failed", { reason: error.reason, remedy: error.remedy });
    const status = error.status === 503 ? 503 : error.status === 403 ? 403 : 401;
    return c.html(html(<LoginPage t={t} provider={provider.name} problem={problem} />), status);
  }
}

/** As the browser reaches the server; the provider knows the addresses that it may send people to. */
function returnUri({ req }: Context<Env>): string {
  return new URL(SIGN_ON_RETURN, req.url).href;
}

function notBegun(): RackseedError {
  return new RackseedError("cannot log in", {
    reason: "this browser has not begun a login, or took longer than ten minutes.",
    remedy: "begin again, and allow cookies for this server.",
    status: 401,
  });
}
