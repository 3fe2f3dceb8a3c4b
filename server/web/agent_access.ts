/** Which operator calls a node's own agent may make: those of a template with that node's name. */
import type { Context } from "hono";
import { API } from "#contract/api.ts";
import { type ApiContext, bearerOf, type Env } from "./context.ts";

const ORDERS = /^\/templates\/([\w-]+)\/(?:orders|restart|boot\/\w+)$/;
const CAPTURE = /^\/captures\/([\w-]+)\/(known|frames|progress|entries(\/\d+)?|failed)$/;
const CHECK = /^\/checks\/([\w-]+)\/(manifest|progress|result|failed)$/;

/** The name of the node whose agent makes this call; undefined if the call is not one that it may make. */
export function agentOf(
  c: Context<Env>,
  { backups, bootBackups, checks, templates, captures }: ApiContext,
): string | undefined {
  const secret = bearerOf(c);
  if (secret === undefined) return undefined;
  const path = c.req.path.slice(API.length);
  // an agent booted for a backup learns of its capture from /node/backup and announces no template
  const booted = bootBackups.nodeOf(secret);
  const node = booted ?? backups.agentOf(secret);
  if (node === undefined) return undefined;
  // the route checks the name in the body
  if (booted === undefined && c.req.method === "POST" && path === "/templates") return node;
  const [, template] = booted === undefined ? ORDERS.exec(path) ?? [] : [];
  // an unknown template passes: the route's 404 makes the agent announce itself again
  if (template !== undefined) return (templates.find(template)?.name ?? node) === node ? node : undefined;
  const [, check] = booted === undefined ? CHECK.exec(path) ?? [] : [];
  if (check !== undefined) return checks.nodeOf(check) === node ? node : undefined;
  const [, capture] = CAPTURE.exec(path) ?? [];
  if (capture === undefined || c.req.method === "GET") return undefined;
  return captures.list().find(({ id }) => id === capture)?.template === node ? node : undefined;
}
