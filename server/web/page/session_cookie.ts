/** The page's session in the browser: its cookie begins with a login, and ends with a logout. */
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { COOKIE, SESSION_SECONDS } from "../../access/page_sessions.ts";
import type { Principal } from "../../access/principal.ts";
import { type ApiContext, type Env, peerAddress, recheckWatchers } from "../context.ts";

type SessionContext = Pick<ApiContext, "sessions" | "logins" | "live" | "desk">;

/** The session is always a new one: a cookie that was there before is worth nothing afterwards. */
export function beginSession(
  c: Context<Env>,
  { cookie, principal }: { cookie: string; principal: Principal },
  context: SessionContext,
): void {
  endSession(c, context);
  context.logins.succeeded(principal, peerAddress(c));
  setCookie(c, COOKIE, cookie, {
    path: "/",
    httpOnly: true,
    secure: true,
    sameSite: "Strict",
    maxAge: SESSION_SECONDS,
  });
  c.set("isIn", true);
}

export function endSession(c: Context<Env>, context: SessionContext): void {
  const cookie = getCookie(c, COOKIE);
  if (cookie !== undefined) context.sessions.end(cookie);
  recheckWatchers(context);
}
