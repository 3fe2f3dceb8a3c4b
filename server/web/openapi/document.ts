/**
 * The OpenAPI 3.1 document of the API, out of the tables of calls (#contract/calls.ts) and the rules of access
 * (route_rules.ts).
 */
import type { z } from "zod";
import settings from "../../../deno.json" with { type: "json" };
import { API } from "#contract/api.ts";
import { IDEMPOTENCY_KEY, IdempotencyKey, ProblemAnswer } from "#contract/api/fields.ts";
import { SUBJECTS } from "#contract/calls.ts";
import { type Call, isMedia, type Media, PARAMETER } from "#contract/calls/call.ts";
import { COOKIE } from "../../access/page_sessions.ts";
import { type RouteRule, RULES, SECRETS } from "../route_rules.ts";
import { describeAction } from "../../words/audit_text.ts";
import { type Json, type JsonObject, type Schemas, schemasOf } from "./schemas.ts";
import {
  ABOUT,
  HEADERS,
  KEY_PARAMETER,
  MATCH_PARAMETER,
  NEEDS,
  PARAMETERS,
  PROBLEMS,
  securitySchemes,
  SERVER_PROBLEM,
} from "./words.ts";

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const { openapi, paths } = apiDocument();
 * assert.match(openapi, /^3\.1/);
 * assert.ok(paths["/nodes/{node}"]?.get);
 * ```
 */
export function apiDocument(): Document {
  const calls = Object.entries(SUBJECTS).flatMap(([subject, table]) =>
    Object.entries(table).map(([name, call]) => ({ name, call, subject }))
  );
  const schemas = schemasOf(bodiesOf(calls));
  const paths: Document["paths"] = {};
  for (const { name, call, subject } of calls) {
    const { method, path } = partsOf(name);
    paths[path] = { ...paths[path], [method]: operation(name, { call, subject, schemas }) };
  }
  return {
    openapi: "3.1.1",
    info: { title: "Rackseed", version: settings.version, description: ABOUT },
    servers: [{ url: API }],
    tags: Object.keys(SUBJECTS).map((name) => ({ name })),
    paths,
    components: {
      schemas: schemas.components,
      parameters: {
        IdempotencyKey: { ...KEY_PARAMETER, schema: schemas.requests.get(IDEMPOTENCY_KEY) ?? {} },
        IfMatch: { ...MATCH_PARAMETER, schema: { type: "string" } },
      },
      responses: problemAnswers(schemas),
      securitySchemes: securitySchemes(COOKIE),
    },
  };
}

export interface Document {
  openapi: string;
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  tags: { name: string }[];
  /** By path and method. */
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: JsonObject; parameters: JsonObject; responses: JsonObject; securitySchemes: object };
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  security: Record<string, string[]>[];
  parameters?: JsonObject[];
  requestBody?: JsonObject;
  /** By status. */
  responses: Record<string, JsonObject>;
}

interface Described {
  readonly call: Call;
  readonly subject: string;
  readonly schemas: Schemas;
}

function operation(name: string, { call, subject, schemas }: Described): Operation {
  const rule = RULES[name];
  if (!rule) throw new Error(`${name} has no rule`);
  const parameters = parametersOf(name, { call, schemas });
  const { body } = call;
  return {
    operationId: operationId(name),
    tags: [subject],
    summary: call.summary.replace(/\.$/, ""),
    description: [...call.about === undefined ? [] : [call.about], accessText(rule)].join("\n\n"),
    security: securityOf(rule),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: true, ...content(body, schemas.requests.get(`${name} body`)) },
    }),
    responses: responsesOf(name, { call, rule, schemas }),
  };
}

/** "GET /nodes/:node" → "get", "/nodes/{node}". */
function partsOf(name: string): { method: string; path: string } {
  const [method = "", path = ""] = name.split(" ");
  return { method: method.toLowerCase(), path: path.replaceAll(PARAMETER, "{$1}") };
}

/** "GET /nodes/:node/plan" → "getNodesNodePlan". */
function operationId(name: string): string {
  return name.replaceAll(PARAMETER, "$1").split(/[^a-zA-Z]+/).filter(Boolean)
    .map((word, i) => i === 0 ? word.toLowerCase() : `${word[0]?.toUpperCase()}${word.slice(1)}`).join("");
}

function accessText({ needs, agent, records }: RouteRule): string {
  const who = needs === "none"
    ? "It needs no credential."
    : needs === "medium"
    ? "For a machine that a medium started."
    : needs === "relay"
    ? "For the relay of a site."
    : needs === "standby"
    ? "For a standby."
    : needs === "boot" || needs === "session"
    ? "For the agent that installs a node."
    : `${NEEDS[needs].text}${agent ? " For a node's own agent too, for that node." : ""}`;
  return records ? `${who} In the audit log it is "${describeAction(records)}" (${records}).` : who;
}

function isSecret(needs: RouteRule["needs"]): needs is typeof SECRETS[number] {
  return SECRETS.some((secret) => secret === needs);
}

function securityOf({ needs, agent }: RouteRule): Record<string, string[]>[] {
  if (needs === "none") return [];
  if (isSecret(needs)) return [{ [needs]: [] }];
  const { role } = NEEDS[needs];
  return [{ token: [role] }, { page: [role] }, ...agent ? [{ agent: [] }] : []];
}

function parametersOf(name: string, { call, schemas }: Pick<Described, "call" | "schemas">): JsonObject[] {
  const inPath = [...name.matchAll(PARAMETER)].map(([, parameter = "", pattern]): JsonObject => {
    const description = PARAMETERS[parameter];
    if (description === undefined) {
      throw new Error(
        `the parameter :${parameter} of ${name} has no description: add it to openapi/words.ts`,
      );
    }
    const schema = schemas.requests.get(`${name} :${parameter}`) ??
      { type: "string", ...(pattern !== undefined && { pattern: `^(${pattern})$` }) };
    return { name: parameter, in: "path", required: true, description, schema };
  });
  const inQuery = Object.entries(call.query?.shape ?? {}).map(([parameter, type]): JsonObject => {
    const required = !(type as z.ZodType).safeParse(undefined).success;
    const schema = schemas.requests.get(`${name} ?${parameter}`) ?? {};
    return { name: parameter, in: "query", required, schema };
  });
  const inHeader = [
    ...(call.isOrder ? ["IdempotencyKey"] : []),
    ...(isTaggedChange(name, call) ? ["IfMatch"] : []),
  ].map((parameter): JsonObject => ({ $ref: `#/components/parameters/${parameter}` }));
  return [...inPath, ...inQuery, ...inHeader];
}

function isTaggedChange(name: string, { isTagged }: Call): boolean {
  return (isTagged ?? false) && !name.startsWith("GET ");
}

function responsesOf(
  name: string,
  { call, rule, schemas }: { call: Call; rule: RouteRule; schemas: Schemas },
): Operation["responses"] {
  const { answer, also = {} } = call;
  const done: JsonObject = answer
    ? { description: "Done.", ...content(answer, schemas.answers.get(`${name} answer`)) }
    : { description: "Done." };
  const headers = headersOf(call);
  if (Object.keys(headers).length > 0) done.headers = headers;
  const others = Object.entries(also).map(([status, description]): [string, JsonObject] => {
    // a part of an answer has its type
    const isPart = status === "206" && answer;
    return [status, { description, ...(isPart ? content(answer, undefined) : {}) }];
  });
  const problems = problemStatuses(name, call, rule).filter((status) => also[status] === undefined);
  return {
    [answer ? 200 : 204]: done,
    ...Object.fromEntries(others),
    ...Object.fromEntries(problems.map((s) => [s, { $ref: `#/components/responses/Problem${s}` }])),
    "5XX": { $ref: "#/components/responses/ServerProblem" },
  };
}

function headersOf({ isPaged, isTagged, answer }: Call): JsonObject {
  const header = (description: string): JsonObject => ({ description, schema: { type: "string" } });
  return {
    ...(isPaged && { Link: header(HEADERS.Link) }),
    ...(isTagged && answer && { ETag: header(HEADERS.ETag) }),
  };
}

/** In ascending order. */
function problemStatuses(name: string, call: Call, rule: RouteRule): number[] {
  const { params, query, body, errors = [] } = call;
  const isPerson = !["none", ...SECRETS].includes(rule.needs);
  const statuses = [
    ...(rule.needs === "none" ? [] : [401]),
    ...(isPerson && (rule.needs !== "view" || !name.startsWith("GET ")) ? [403] : []),
    ...(name.includes(":") ? [404] : []),
    ...(params || query || body ? [400] : []),
    ...(body ? [408, 413, 415] : []),
    ...(call.isOrder ? [400, 409, 422] : []),
    ...(isTaggedChange(name, call) ? [412] : []),
    ...errors,
  ];
  return [...new Set(statuses)].sort((a, b) => a - b);
}

function content(body: z.ZodType | Media, schema: Json | undefined): JsonObject {
  if (!isMedia(body)) return { content: { "application/json": { schema: schema ?? {} } } };
  // OpenAPI 3.1 cannot say what a line of a body is
  const media: JsonObject = schema === undefined
    ? { schema: { description: body.about } }
    : { schema: { type: "string", description: body.about }, "x-line-schema": schema };
  return { content: { [body.media]: media } };
}

function problemAnswers({ answers }: Schemas): JsonObject {
  const answer = (description: string): JsonObject => ({
    description,
    content: { "application/problem+json": { schema: answers.get(PROBLEM) ?? {} } },
  });
  const known = Object.entries(PROBLEMS).map(([status, text]) => [`Problem${status}`, answer(text)] as const);
  return { ...Object.fromEntries(known), ServerProblem: answer(SERVER_PROBLEM) };
}

const PROBLEM = "problem";

/** Everything that has a schema, by the call's name and its part. */
function bodiesOf(calls: readonly { name: string; call: Call }[]) {
  const requests = new Map<string, z.ZodType>([[IDEMPOTENCY_KEY, IdempotencyKey]]);
  const answers = new Map<string, z.ZodType>([[PROBLEM, ProblemAnswer]]);
  for (const { name, call: { params, query, body, answer } } of calls) {
    for (const [mark, parameters] of [[":", params], ["?", query]] as const) {
      for (const [parameter, type] of Object.entries(parameters?.shape ?? {})) {
        requests.set(`${name} ${mark}${parameter}`, type as z.ZodType);
      }
    }
    const taken = jsonOf(body), given = jsonOf(answer);
    if (taken) requests.set(`${name} body`, taken);
    if (given) answers.set(`${name} answer`, given);
  }
  return { requests, answers };
}

function jsonOf(body: z.ZodType | Media | undefined): z.ZodType | undefined {
  return body && isMedia(body) ? body.line : body;
}
