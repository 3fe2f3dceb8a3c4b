/**
 * JSON Schemas (draft 2020-12, as OpenAPI 3.1 takes them) of what calls take and answer. Every schema that the
 * contract exports has its own name there, and stands once among the document's components.
 */
import { z } from "zod";
import * as access from "#contract/api/access.ts";
import * as attestation from "#contract/api/attestation.ts";
import * as audit from "#contract/api/audit.ts";
import * as captures from "#contract/api/captures.ts";
import * as checks from "#contract/api/checks.ts";
import * as deployments from "#contract/api/deployments.ts";
import * as disks from "#contract/api/disks.ts";
import * as distribution from "#contract/api/distribution.ts";
import * as encryption from "#contract/api/encryption.ts";
import * as events from "#contract/api/events.ts";
import * as fields from "#contract/api/fields.ts";
import * as files from "#contract/api/files.ts";
import * as hardware from "#contract/api/hardware.ts";
import * as hardwareHistory from "#contract/api/hardware_history.ts";
import * as hooks from "#contract/api/hooks.ts";
import * as images from "#contract/api/images.ts";
import * as imageTags from "#contract/api/image_tags.ts";
import * as machines from "#contract/api/machines.ts";
import * as media from "#contract/api/media.ts";
import * as nodeAgent from "#contract/api/node_agent.ts";
import * as nodeHistory from "#contract/api/node_history.ts";
import * as nodes from "#contract/api/nodes.ts";
import * as notices from "#contract/api/notices.ts";
import * as packStore from "#contract/api/pack_store.ts";
import * as planPreview from "#contract/api/plan_preview.ts";
import * as power from "#contract/api/power.ts";
import * as rehearsals from "#contract/api/rehearsals.ts";
import * as restarts from "#contract/api/restarts.ts";
import * as restore from "#contract/api/restore.ts";
import * as reviews from "#contract/api/reviews.ts";
import * as secureBoot from "#contract/api/secure_boot.ts";
import * as sites from "#contract/api/sites.ts";
import * as schedules from "#contract/api/schedules.ts";
import * as transfers from "#contract/api/transfers.ts";
import * as standbys from "#contract/api/standbys.ts";
import * as webhooks from "#contract/api/webhooks.ts";
import * as bootProgram from "#contract/format/boot_program.ts";
import * as extentAnswer from "#contract/format/extent_answer.ts";
import * as layout from "#contract/format/layout.ts";
import * as identity from "#contract/identity.ts";
import { ImageName, Source, Totals } from "#contract/format/manifest.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

const MODULES: readonly Readonly<Record<string, unknown>>[] = [
  access,
  attestation,
  audit,
  bootProgram,
  captures,
  checks,
  deployments,
  disks,
  distribution,
  encryption,
  events,
  extentAnswer,
  fields,
  files,
  hardware,
  hardwareHistory,
  hooks,
  identity,
  images,
  imageTags,
  layout,
  machines,
  media,
  nodeAgent,
  nodeHistory,
  nodes,
  notices,
  packStore,
  planPreview,
  power,
  rehearsals,
  restarts,
  restore,
  reviews,
  secureBoot,
  sites,
  schedules,
  transfers,
  standbys,
  webhooks,
  { ImageName, Source, Totals },
];

/** Where the document has its components. */
const COMPONENTS = "#/components/schemas/";

export interface Schemas {
  /** Those that the bodies refer to, by name. */
  readonly components: JsonObject;
  /** By the keys of `requests` and `answers`. */
  readonly requests: ReadonlyMap<string, Json>;
  readonly answers: ReadonlyMap<string, Json>;
}

/**
 * Converts the bodies of all calls. A component that requests and answers both refer to, and that may differ in them
 * (a default makes a field optional in requests only), stands there twice: as NAME, and as NAME_REQUEST.
 */
export function schemasOf(
  { requests, answers }: {
    requests: ReadonlyMap<string, z.ZodType>;
    answers: ReadonlyMap<string, z.ZodType>;
  },
): Schemas {
  const taken = convert(requests, "input"), given = convert(answers, "output");
  const inRequests = reachable(taken), inAnswers = reachable(given);
  const differing = differingNames(inRequests, inAnswers);
  const nameInRequest = (name: string) => differing.has(name) ? `${name}_REQUEST` : name;
  const renamed = (json: Json) => withRefs(json, nameInRequest);
  const components = [
    ...inAnswers,
    ...[...inRequests].map(([name, json]) => [nameInRequest(name), renamed(json)] as const),
  ];
  return {
    components: Object.fromEntries(components.sort(([a], [b]) => a < b ? -1 : 1)),
    requests: new Map([...taken.bodies].map(([key, json]) => [key, renamed(json)])),
    answers: given.bodies,
  };
}

interface Converted {
  readonly bodies: ReadonlyMap<string, Json>;
  readonly named: ReadonlyMap<string, Json>;
}

/** Throws if a schema cannot be expressed, for instance because it transforms what it parses. */
function convert(bodies: ReadonlyMap<string, z.ZodType>, io: "input" | "output"): Converted {
  const registry = z.registry<{ id: string }>();
  const names = namedSchemas();
  for (const [schema, id] of names) registry.add(schema, { id });
  // as the field of an object of its own, so that a body that has a name is referred to by it
  for (const [id, body] of bodies) registry.add(z.object({ body }), { id });
  const { schemas } = z.toJSONSchema(registry, {
    io,
    uri: (id) => `${COMPONENTS}${id}`,
    override: ({ jsonSchema }) => tidy(jsonSchema as JsonObject, io),
  });
  const json = new Map(Object.entries(schemas).map(([id, schema]) => [id, plain(schema)]));
  const bodyOf = (id: string) => (json.get(id)?.properties as JsonObject | undefined)?.body ?? {};
  return {
    bodies: new Map([...bodies.keys()].map((id) => [id, bodyOf(id)])),
    named: new Map([...names.values()].map((name) => [name, json.get(name) ?? {}])),
  };
}

/** The exports that begin with a capital; "ProblemSchema" is named Problem. Throws if a name means two schemas. */
function namedSchemas(): Map<z.ZodType, string> {
  const names = new Map<z.ZodType, string>();
  const taken = new Set<string>();
  for (const [exported, schema] of MODULES.flatMap((module) => Object.entries(module))) {
    if (!(schema instanceof z.ZodType) || !/^[A-Z]/.test(exported) || names.has(schema)) continue;
    const name = exported.replace(/Schema$/, "");
    if (taken.has(name)) throw new Error(`two schemas of the contract are named ${name}: rename one`);
    taken.add(name);
    names.set(schema, name);
  }
  return names;
}

/** Formats whose pattern says the same again. */
const FORMATS = ["date-time", "ipv4", "ipv6", "uri"];

function tidy(json: JsonObject, io: "input" | "output"): void {
  if (FORMATS.includes(String(json.format))) delete json.pattern;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  // a later server may answer further fields
  if (io === "output" && json.additionalProperties === false) delete json.additionalProperties;
}

/** Without what only matters to a schema that stands alone. */
function plain(schema: object): JsonObject {
  const { $schema: _, $id: __, ...rest } = JSON.parse(JSON.stringify(schema));
  return rest;
}

/** The components that the bodies refer to, directly or not. */
function reachable({ bodies, named }: Converted): Map<string, Json> {
  const found = new Map<string, Json>();
  const visit = (json: Json) => {
    for (const name of refsOf(json)) {
      if (found.has(name)) continue;
      const component = named.get(name) ?? {};
      found.set(name, component);
      visit(component);
    }
  };
  for (const json of bodies.values()) visit(json);
  return found;
}

function differingNames(
  requests: ReadonlyMap<string, Json>,
  answers: ReadonlyMap<string, Json>,
): Set<string> {
  const both = [...requests].filter(([name]) => answers.has(name));
  const differing = new Set<string>();
  for (let before = -1; before < differing.size;) {
    before = differing.size;
    for (const [name, json] of both) {
      const isOther = JSON.stringify(json) !== JSON.stringify(answers.get(name)) ||
        refsOf(json).some((ref) => differing.has(ref));
      if (isOther) differing.add(name);
    }
  }
  return differing;
}

function refsOf(json: Json): string[] {
  const names: string[] = [];
  withRefs(json, (name) => {
    names.push(name);
    return name;
  });
  return names;
}

/** A copy whose references lead to other names. */
function withRefs(json: Json, rename: (name: string) => string): Json {
  if (Array.isArray(json)) return json.map((item) => withRefs(item, rename));
  if (json === null || typeof json !== "object") return json;
  const entries = Object.entries(json).map(([key, value]): [string, Json] =>
    key === "$ref" && typeof value === "string" && value.startsWith(COMPONENTS)
      ? [key, COMPONENTS + rename(value.slice(COMPONENTS.length))]
      : [key, withRefs(value, rename)]
  );
  return Object.fromEntries(entries);
}
