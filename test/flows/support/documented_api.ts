/** The API as its OpenAPI document describes it, to hold real answers against. */
import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { API } from "#contract/api.ts";
import { CALLS } from "#contract/calls.ts";
import { PARAMETER } from "#contract/calls/call.ts";
import type { Document, Operation } from "../../../server/web/openapi/document.ts";
import type { Json, JsonObject } from "../../../server/web/openapi/schemas.ts";

interface Described {
  /** "GET /nodes/:node", as in the tables of calls and rules. */
  readonly name: string;
  readonly operation: Operation;
}

export class DocumentedApi {
  readonly #document: Document;
  readonly #described: readonly Described[];
  readonly #ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(document: Document) {
    this.#document = document;
    this.#described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        name: NAMES.get(`${method.toUpperCase()} ${path}`) ?? assert.fail(`${method} ${path} is no call`),
        operation,
      }))
    );
    (addFormats as unknown as (ajv: unknown) => void)(this.#ajv);
    for (const format of ["base64", "cidrv4", "cidrv6"]) this.#ajv.addFormat(format, true);
    this.#ajv.addVocabulary(["components"]);
    this.#ajv.addSchema({ $id: ID, components: closed(document.components as unknown as JsonObject) });
  }

  get names(): string[] {
    return this.#described.map(({ name }) => name);
  }

  /** The call that this is, "GET /nodes/n1": of several, the one with the fewest parameters. */
  nameOf(call: string): string | undefined {
    const fits = (name: string) => new RegExp(`^${name.replaceAll(PARAMETER, "[^/]+")}$`).test(call);
    const parameters = (name: string) => name.split(":").length;
    return this.names.filter(fits).sort((a, b) => parameters(a) - parameters(b))[0];
  }

  operation(name: string): Operation {
    const found = this.#described.find((described) => described.name === name);
    if (found) return found.operation;
    throw new Error(`${name} is not in the document`);
  }

  /** What is wrong with the answer to this call, as text; undefined if it is as documented. Reads JSON bodies. */
  async complaint(name: string, response: Response): Promise<string | undefined> {
    const { responses } = this.operation(name);
    const { status, headers } = response;
    const documented = responses[status] ?? responses[`${Math.trunc(status / 100)}XX`];
    if (!documented) return `${name}: the status ${status} is not documented`;
    const { content } = this.#resolved(documented) as { content?: Record<string, JsonObject> };
    const type = headers.get("content-type")?.split(";")[0] ?? "none";
    if (content === undefined) {
      return type === "none" ? undefined : `${name}: ${status} has a body of ${type}`;
    }
    const media = content[type];
    if (!media) return `${name}: ${status} comes as ${type}, not ${Object.keys(content)}`;
    if (!/^application\/(problem\+)?json$/.test(type)) return undefined;
    return this.#mismatch(`${name}: ${status}`, { schema: media.schema ?? {}, body: await response.json() });
  }

  /** Whether each line is as documented. */
  lineComplaint(name: string, lines: readonly unknown[]): string | undefined {
    const [media] = Object.values((this.operation(name).responses[200]?.content ?? {}) as JsonObject);
    const schema = (media as JsonObject)["x-line-schema"] ?? {};
    for (const body of lines) {
      const complaint = this.#mismatch(name, { schema, body });
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  }

  /** Fields that the schema does not name count as wrong, although a later server may add some. */
  #mismatch(what: string, { schema, body }: { schema: Json; body: unknown }): string | undefined {
    const key = JSON.stringify(schema);
    const validate = this.#validators.get(key) ?? this.#ajv.compile(closed(schema) as JsonObject);
    this.#validators.set(key, validate);
    if (validate(body)) return undefined;
    const text = JSON.stringify(body).slice(0, 2000);
    return `${what} answered ${text}, which does not fit: ${this.#ajv.errorsText(validate.errors)}`;
  }

  #resolved(json: JsonObject): JsonObject {
    const name = typeof json.$ref === "string" ? json.$ref.slice(json.$ref.lastIndexOf("/") + 1) : undefined;
    return name === undefined ? json : this.#document.components.responses[name] as JsonObject;
  }
}

const ID = "api";

/** The calls by their method and path in the document. */
const NAMES = new Map(Object.keys(CALLS).map((name) => [name.replaceAll(PARAMETER, "{$1}"), name]));

/** Allows no further fields, and refers to the document's components by its id. */
function closed(json: Json): Json {
  if (Array.isArray(json)) return json.map(closed);
  if (json === null || typeof json !== "object") return json;
  if (typeof json.$ref === "string") return { $ref: `${ID}${json.$ref}` };
  const copy: JsonObject = Object.fromEntries(Object.entries(json).map(([key, one]) => [key, closed(one)]));
  if (copy.type === "object" && copy.properties) copy.additionalProperties ??= false;
  return copy;
}

/** Holds every answer of the API in this process against the document, whoever called. */
export class AnswerWatch implements Disposable {
  readonly complaints: string[] = [];
  /** Calls that were answered with success. */
  readonly done = new Set<string>();
  readonly #api: DocumentedApi;
  readonly #fetch = globalThis.fetch;

  constructor(api: DocumentedApi) {
    this.#api = api;
    globalThis.fetch = async (input, init) => {
      const response = await this.#fetch(input, init);
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      const name = pathname.startsWith(`${API}/`) &&
        api.nameOf(`${init?.method ?? "GET"} ${pathname.slice(API.length)}`);
      if (name) await this.#check(name, response);
      return response;
    };
  }

  async #check(name: string, response: Response): Promise<void> {
    if (response.ok) this.done.add(name);
    // streams are not cloned: they may be endless
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    const copy = isJson ? response.clone() : new Response(null, response);
    const complaint = await this.#api.complaint(name, copy);
    if (complaint !== undefined) this.complaints.push(complaint);
  }

  [Symbol.dispose](): void {
    globalThis.fetch = this.#fetch;
  }
}
