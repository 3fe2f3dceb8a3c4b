/** What a call is about, for the audit log and for roles that are limited to groups: out of its path and JSON body. */
import type { Context } from "hono";
import { z } from "zod";
import { API } from "#contract/api.ts";
import { displayPath, fromJsonPath } from "#contract/format/byte_path.ts";
import type { NamedNode } from "../access/principal.ts";
import { RackseedError } from "#contract/errors.ts";
import { nodeNames } from "../words/node_names.ts";
import { UsageError } from "../words/usage.ts";
import { keepBody } from "./body.ts";
import type { ApiContext, Env } from "./context.ts";

const MAX_NAMES = 10_000;
const MAX_NAME = 64;

export interface Subject {
  /** Names of nodes and templates; as they were given, if they are not known. */
  readonly nodes: readonly string[];
  /** The same nodes with their groups. */
  readonly named: readonly NamedNode[];
  readonly images: readonly string[];
  readonly other: string | undefined;
  /** The body asks to let another machine take the place of the one that a backup is of. */
  readonly isForced: boolean;
}

const Names = z.array(z.string()).max(MAX_NAMES).catch([]);
const Name = z.string().optional().catch(undefined);
// whatever is there that is not false counts as a demand
const Force = z.unknown().transform((value) => value !== undefined && value !== false);
/** Anything that does not fit is left out: the route refuses it. */
const Named = z.object({
  nodes: Names,
  images: Names,
  image: Name,
  template: Name,
  name: Name,
  user: Name,
  role: Name,
  // of a registry
  to: Name,
  from: Name,
  action: Name,
  // that a tag is to name
  version: z.int().optional().catch(undefined),
  force: Force,
  // of a schedule
  order: z.object({ image: Name, force: Force }).partial().catch({}),
}).partial().catch({});
const Changes = z.array(z.object({ node: z.string() })).max(MAX_NAMES);

export async function subjectOf(
  c: Context<Env>,
  { context, pattern, readBody }: {
    context: Pick<ApiContext, "fleet" | "schedules">;
    /** The route's path with its parameters. */
    pattern: string;
    readBody: boolean;
  },
): Promise<Subject> {
  const params = paramsOf(pattern, c.req.path);
  const body = readBody ? namesOf(await readJson(c)) : {};
  const schedule = params.get("schedule");
  const deployment = pattern.startsWith(`${API}/deployments/:id/`) ? params.get("id") : undefined;
  // the first order's force counts again
  const isForcedRetry = deployment !== undefined && pattern.endsWith("/retry") &&
    context.fleet.isForcedDeployment(deployment);
  const patterns = schedule !== undefined
    ? [...context.schedules.nodesOf(schedule) ?? [], ...body.nodes ?? []]
    : body.nodes ?? (deployment === undefined ? [] : context.fleet.namesOfDeployment(deployment));
  const keys = [params.get("node"), ...patterns, body.template].filter((key) => key !== undefined);
  const named = namedBy(keys, context.fleet);
  const images = [
    params.get("ref") ?? params.get("name"),
    body.image,
    body.order?.image,
    params.get("to"),
    ...body.images ?? [],
  ];
  const isHook = params.has("scope");
  const other = isHook
    ? [params.get("scope"), params.get("when"), params.get("name")].join(" ")
    : params.get("id") ?? params.get("webhook") ?? schedule ?? pathOf(c) ??
      [
        ...params.has("tag") ? [params.get("tag"), body.version] : [],
        params.get("user"),
        params.get("site"),
        body.user,
        body.to ?? body.from,
        body.name,
        body.role,
        body.action,
      ].filter(Boolean).join(" ");
  return {
    nodes: named.map(({ name }) => name),
    named,
    images: isHook ? [] : images.filter((name) => name !== undefined).map((name) => name.slice(0, 100)),
    other: other?.slice(0, 200) || undefined,
    isForced: isForcedRetry || (body.force ?? false) || (body.order?.force ?? false),
  };
}

/** The file that a call is about; see contract/api/files.ts. */
function pathOf({ req }: Context): string | undefined {
  const bytes = req.query("path64");
  const path = bytes === undefined ? req.query("path") : displayPath(fromJsonPath({ base64: bytes }));
  return path === undefined ? undefined : `/${path.replace(/^\/+/, "")}`;
}

/** The nodes that these keys, ranges and groups stand for now. */
function namedBy(keys: readonly string[], fleet: ApiContext["fleet"]): NamedNode[] {
  return resolved(keys, fleet).map((key) => fleet.named(key) ?? { name: key.slice(0, MAX_NAME) });
}

/** Ranges and groups expanded. Throws RackseedError (400) if one of them is none, or a group has no nodes. */
export function expandedNames(patterns: readonly string[], fleet: ApiContext["fleet"]): string[] {
  if (!patterns.some(isPattern)) return [...patterns];
  try {
    return nodeNames(patterns, { nodes: fleet.list() }).slice(0, MAX_NAMES);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new RackseedError("cannot find these nodes", {
      reason: error.message,
      remedy: "name nodes, ranges such as n[1-8], or groups such as @compute.",
      status: 400,
    });
  }
}

/** As they were given, if they cannot be resolved. */
function resolved(patterns: readonly string[], fleet: ApiContext["fleet"]): readonly string[] {
  try {
    return expandedNames(patterns, fleet);
  } catch {
    return patterns;
  }
}

function isPattern(text: string): boolean {
  return /^@|[[\]{}]/.test(text);
}

/** The values of ":name" parts, decoded as Hono decodes them. */
function paramsOf(pattern: string, path: string): Map<string, string> {
  const values = path.split("/");
  const found = pattern.split("/").flatMap((part, i): [string, string][] => {
    const name = /^:(\w+)/.exec(part)?.[1];
    return name === undefined ? [] : [[name, decoded(values[i] ?? "")]];
  });
  return new Map(found);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The parsed body, or undefined; the route finds the body unread. */
async function readJson(c: Context<Env>): Promise<unknown> {
  const body = await keepBody(c.req);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function namesOf(body: unknown): z.infer<typeof Named> {
  const changes = Changes.safeParse(body);
  return changes.success ? { nodes: changes.data.map(({ node }) => node) } : Named.parse(body);
}
