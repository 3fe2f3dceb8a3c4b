/** The API's document for readers: every call, and every message that calls take and answer. */
import { raw } from "hono/html";
import { API } from "#contract/api.ts";
import type { Document, Operation } from "../openapi/document.ts";
import type { Json, JsonObject } from "../openapi/schemas.ts";
import { API_REFERENCE, HelpFrame } from "./help.tsx";
import { renderMarkdown } from "./render.ts";
import { Schema, schemaAnchor } from "./schema.tsx";

export function ApiReference({ document }: { document: Document }) {
  const { info, tags, components } = document;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
  );
  return (
    <HelpFrame {...API_REFERENCE}>
      <h1>{API_REFERENCE.title}</h1>
      <Prose text={info.description} />
      <p>
        All paths are below <code>{API}</code>. As a document for programs (OpenAPI 3.1):{" "}
        <a href={`${API}/openapi.json`}>openapi.json</a>.
      </p>
      {tags.map(({ name }) => (
        <section>
          <h2>{name}</h2>
          {operations.filter(({ operation }) => operation.tags.includes(name))
            .map((shown) => <Call {...shown} components={components} />)}
        </section>
      ))}
      <section>
        <h2>Messages</h2>
        {Object.entries(components.schemas).map(([name, schema]) => (
          <details>
            <summary>
              <code>{name}</code>
            </summary>
            {/* browsers open the details around what a link leads to */}
            <div id={schemaAnchor(name)}>
              <Schema schema={schema} />
            </div>
          </details>
        ))}
      </section>
    </HelpFrame>
  );
}

type Components = Document["components"];

function Call({ path, method, operation, components }: {
  path: string;
  method: string;
  operation: Operation;
  components: Components;
}) {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  return (
    <details>
      <summary>
        <code>{method.toUpperCase()}</code> <code>{path}</code>
        <span>{summary}</span>
      </summary>
      <div id={operationId}>
        <Prose text={description} />
        {parameters.length > 0 && <h3>Parameters</h3>}
        <dl>
          {parameters.map((one) => <Parameter parameter={resolved(one, components.parameters)} />)}
        </dl>
        {requestBody && (
          <>
            <h3>Body</h3>
            <Content of={requestBody} />
          </>
        )}
        <h3>Answers</h3>
        <dl>
          {Object.entries(responses).map(([status, response]) => (
            <>
              <dt>{status}</dt>
              <dd>
                {String(resolved(response, components.responses).description)}{" "}
                {/* every problem has the same content */}
                {response.$ref === undefined && <Content of={response} />}
              </dd>
            </>
          ))}
        </dl>
      </div>
    </details>
  );
}

/** What the reference leads to among these components; the object itself if it is none. */
function resolved(json: JsonObject, components: JsonObject): JsonObject {
  const { $ref } = json;
  return typeof $ref === "string" ? components[$ref.slice($ref.lastIndexOf("/") + 1)] as JsonObject : json;
}

function Parameter({ parameter: { name, in: place, required, description, schema } }: {
  parameter: JsonObject;
}) {
  return (
    <>
      <dt>
        <code>{name}</code> {place === "path" ? "" : required ? `(${place})` : `(${place}, optional)`}
      </dt>
      <dd>
        {description} <Schema schema={schema ?? {}} />
      </dd>
    </>
  );
}

/** The media types of a body, each with its schema. */
function Content({ of }: { of: JsonObject }) {
  const content = (of.content ?? {}) as Readonly<Record<string, JsonObject>>;
  return Object.entries(content).map(([media, { schema = {}, "x-line-schema": line }]) => (
    <>
      {media !== "application/json" && <code>{media}</code>}
      {describe(schema)}
      {line === undefined ? media === "application/json" && <Schema schema={schema} /> : (
        <>
          Each line: <Schema schema={line} />
        </>
      )}
    </>
  ));
}

function describe(schema: Json): string {
  const { description } = schema as JsonObject;
  return typeof description === "string" ? ` ${description} ` : "";
}

function Prose({ text }: { text: string }) {
  return raw(renderMarkdown(text, {
    path: "server/docs/api.md",
    targets: { page: () => undefined, picture: () => undefined },
  }));
}
