/**
 * Idempotency keys (draft-ietf-httpapi-idempotency-key-header-07): an order that a client repeats, because it did not
 * get the answer, is answered as before and not carried out again.
 */
import { createHash } from "node:crypto";
import type { Context } from "hono";
import { RackseedError } from "#contract/errors.ts";
import { IDEMPOTENCY_KEY, IdempotencyKey } from "#contract/api/fields.ts";
import type { Principal } from "../access/principal.ts";
import type { OrderAnswers } from "../store/order_answers.ts";
import { keepBody } from "./body.ts";
import type { Env } from "./context.ts";

/** Runs `work`, which sets `c.res`, unless the same order came before. Throws RackseedError (400, 409, 422, 507). */
export async function onceForKey(
  c: Context<Env>,
  { answers, principal }: { answers: OrderAnswers; principal: Principal },
  work: () => Promise<void>,
): Promise<void> {
  const key = keyOf(c.req.header(IDEMPOTENCY_KEY));
  if (key === undefined) return await work();
  const { name, role, groups = null } = principal;
  // what a caller may see of an answer depends on the role
  const who = JSON.stringify([name, role, groups]);
  const begun = answers.begin({ who, key }, await requestHash(c));
  if ("status" in begun) {
    c.res = jsonAnswer(begun);
    return;
  }
  try {
    await work();
  } catch (error) {
    begun.forget();
    throw error;
  }
  const { status } = c.res;
  // refused: nothing was done
  if (status >= 400 && status < 500) begun.forget();
  else begun.end({ status, body: await c.res.clone().text() });
}

function keyOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  // the draft has a quoted string (RFC 9651 §3.3.3); many clients send it bare
  const key = IdempotencyKey.safeParse(/^"(.*)"$/.exec(header)?.[1] ?? header);
  if (key.success) return key.data;
  throw new RackseedError("cannot understand the Idempotency-Key", {
    reason: "it is not 8 to 200 letters, digits, . _ : - .",
    remedy: "send a UUID, a new one for every order.",
    status: 400,
  });
}

async function requestHash(c: Context<Env>): Promise<string> {
  // the same server has several names
  const { pathname, search } = new URL(c.req.url);
  const hash = createHash("sha256").update(JSON.stringify([c.req.method, pathname + search]));
  return hash.update(await keepBody(c.req)).digest("hex");
}

function jsonAnswer({ status, body }: { status: number; body: string }): Response {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return new Response(body, {
    status,
    headers: { "content-type": type, "cache-control": "no-store", "idempotency-replayed": "true" },
  });
}
