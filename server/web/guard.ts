/** The one place that admits calls of the API: who is calling, may they, and the audit log's lines of it. */
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { API } from "#contract/api.ts";
import { callNamed } from "#contract/calls.ts";
import type { Stale } from "#contract/desk.ts";
import type { RackseedError } from "#contract/errors.ts";
import { type Access, refusalOf } from "../access/principal.ts";
import type { Action } from "../words/audit_text.ts";
import { agentOf } from "./agent_access.ts";
import { type ApiContext, authenticate, type Env, peerAddress } from "./context.ts";
import { answerError } from "./problems.ts";
import { type RouteRule, ruleName, RULES, SECRETS } from "./route_rules.ts";
import { onceForKey } from "./repeated_order.ts";
import { type Subject, subjectOf } from "./subject.ts";

/** Must come before every route. A path that is no route is not found, for those who may call the API at all. */
export function guard(context: ApiContext): MiddlewareHandler<Env> {
  return async (c, next) => {
    // the desk's route for its own addresses matches everything
    const route = matchedRoutes(c).find(({ method, path }) => method !== "ALL" && path.startsWith(API));
    const name = route && ruleName(route, API);
    const rule = name === undefined ? undefined : RULES[name];
    if (route && !rule) throw new Error(`${route.method} ${route.path} has no rule`);
    if (!isForPeople(rule)) return await next();
    const node = rule?.agent ? agentOf(c, context) : undefined;
    if (node !== undefined) {
      c.set("agentOf", node);
      return await admitted(c, { context, rule, name, pattern: route?.path ?? "" }, next);
    }
    c.set("principal", authenticate(c, context));
    if (!rule) return await next();
    await admitted(c, { context, rule, name, pattern: route?.path ?? "" }, next);
  };
}

/** The rule of a route that people call. */
type PersonRule = RouteRule & { readonly needs: Access };

/** Other routes check the caller's secret themselves, or need none. */
function isForPeople(rule: RouteRule | undefined): rule is PersonRule | undefined {
  return rule === undefined || ![...SECRETS, "none"].includes(rule.needs);
}

interface Call {
  readonly context: ApiContext;
  readonly rule: PersonRule | undefined;
  readonly pattern: string;
  /** "POST /deployments"; absent if it is no route. */
  readonly name: string | undefined;
}

/** Refuses the call if it is not allowed, else lets it pass; with its lines in the audit log. */
async function admitted(c: Context<Env>, call: Call, next: () => Promise<void>): Promise<void> {
  const { context, rule, pattern, name } = call;
  const principal = c.get("principal");
  const subject = await subjectOf(c, { context, pattern, readBody: rule?.body ?? false });
  // a backup holds its node's secrets: another group's must not be deployed to a node of one's own
  const needs = rule?.needs === "order" && subject.isForced ? "operate" : rule?.needs;
  const refusal = principal && needs !== undefined
    ? refusalOf(principal, { access: needs, nodes: subject.named })
    : undefined;
  if (!rule?.records) {
    if (refusal) throw refusal;
    return await next();
  }
  const { records: action, evenIfFull = false } = rule;
  const work = () => recorded(c, { context, action, evenIfFull, subject, refusal }, next);
  const isOrder = name !== undefined && callNamed(name)?.isOrder;
  if (!isOrder || !principal || refusal) return await work();
  await onceForKey(c, { answers: context.answers, principal }, work);
}

async function recorded(
  c: Context<Env>,
  { context, action, evenIfFull, subject: { nodes, images, other }, refusal }: {
    context: ApiContext;
    action: Action;
    evenIfFull: boolean;
    subject: Subject;
    refusal: RackseedError | undefined;
  },
  next: () => Promise<void>,
): Promise<void> {
  const principal = c.get("principal");
  const act = context.audit.begin({
    who: principal?.name ?? `agent of ${c.get("agentOf")}`,
    ...(principal && { role: principal.role }),
    address: peerAddress(c),
    action,
    nodes,
    images,
    ...(other !== undefined && { subject: other }),
  }, { evenIfFull: evenIfFull && refusal === undefined });
  if (refusal) c.res = answerError(refusal, c);
  else await next();
  const { status } = c.res;
  act.end({ result: status < 400 ? "done" : status < 500 ? "refused" : "failed", status });
  context.desk.noteStale("audit", ...staleAfter(action));
}

/** Lists of the desk that an action may change, and that no event tells of. */
function staleAfter(action: Action): Stale[] {
  const about = action.split(".")[0];
  if (about === "user" || about === "token") return ["people"];
  if (about === "site") return ["sites"];
  return about === "node" || about === "deployment" ? ["deployments"] : [];
}
