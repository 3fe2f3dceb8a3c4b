/** The one place that admits calls of the API: who is calling, may they, and the audit log's lines of it. */
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { API } from "#contract/api.ts";
import { refusalOf } from "../access/principal.ts";
import { agentOf } from "./agent_access.ts";
import { type ApiContext, authenticate, type Env, peerAddress } from "./context.ts";
import { answerError } from "./problems.ts";
import { ruleName, RULES } from "./route_rules.ts";
import { subjectOf } from "./subject.ts";

type Rule = NonNullable<typeof RULES[string]>;

/** Must come before every route. A path that is no route is not found, for those who may call the API at all. */
export function guard(context: ApiContext): MiddlewareHandler<Env> {
  return async (c, next) => {
    const route = matchedRoutes(c).find(({ method }) => method !== "ALL");
    const rule = route && RULES[ruleName(route, API)];
    if (route && !rule) throw new Error(`${route.method} ${route.path} has no rule`);
    if (rule?.needs === "node") return await next();
    const node = rule?.agent ? agentOf(c, context) : undefined;
    if (node !== undefined) {
      c.set("agentOf", node);
      return await recorded(c, { context, rule, pattern: route?.path ?? "" }, next);
    }
    c.set("principal", authenticate(c, context));
    if (!rule) return await next();
    await recorded(c, { context, rule, pattern: route?.path ?? "" }, next);
  };
}

interface Call {
  readonly context: ApiContext;
  readonly rule: Rule | undefined;
  readonly pattern: string;
}

/** Refuses the call if it is not allowed, else lets it pass; with its lines in the audit log. */
async function recorded(
  c: Context<Env>,
  { context, rule, pattern }: Call,
  next: () => Promise<void>,
): Promise<void> {
  const principal = c.get("principal");
  const subject = await subjectOf(c, { context, pattern, readBody: rule?.body ?? false });
  // a backup holds its node's secrets: another group's must not be deployed to a node of one's own
  const needs = rule?.needs === "order" && subject.isForced ? "operate" : rule?.needs;
  const refusal = principal && needs !== undefined && needs !== "node"
    ? refusalOf(principal, { access: needs, nodes: subject.named })
    : undefined;
  if (!rule?.records) {
    if (refusal) throw refusal;
    return await next();
  }
  const { nodes, images, other } = subject;
  const act = context.audit.begin({
    who: principal?.name ?? `agent of ${c.get("agentOf")}`,
    ...(principal && { role: principal.role }),
    address: peerAddress(c),
    action: rule.records,
    nodes,
    images,
    ...(other !== undefined && { subject: other }),
  }, { evenIfFull: (rule.evenIfFull ?? false) && refusal === undefined });
  if (refusal) c.res = answerError(refusal, c);
  else await next();
  const { status } = c.res;
  act.end({ result: status < 400 ? "done" : status < 500 ? "refused" : "failed", status });
}
