/** A JSON Schema in words. References are links to the message of that name. */
import type { Child } from "hono/jsx";
import type { Json, JsonObject } from "../openapi/schemas.ts";

export function schemaAnchor(name: string): string {
  return `message-${name}`;
}

export function Schema({ schema }: { schema: Json }): Child {
  const { $ref, properties, items, oneOf, anyOf, enum: values, const: value } = schema as JsonObject;
  if (typeof $ref === "string") {
    const name = $ref.slice($ref.lastIndexOf("/") + 1);
    return <a href={`#${schemaAnchor(name)}`}>{name}</a>;
  }
  if (properties) return <Fields schema={schema as JsonObject} />;
  if (items !== undefined && items !== false) {
    return (
      <>
        list{limits(schema as JsonObject, "Items")} of <Schema schema={items} />
      </>
    );
  }
  const choices = (oneOf ?? anyOf) as Json[] | undefined;
  if (choices) {
    return choices.map((choice, i) => (
      <>
        {i > 0 && " or "}
        <Schema schema={choice} />
      </>
    ));
  }
  if (values) {
    return (values as Json[]).map((one, i) => (
      <>
        {i > 0 && ", "}
        <code>{String(one)}</code>
      </>
    ));
  }
  if (value !== undefined) return <code>{JSON.stringify(value)}</code>;
  return <Scalar schema={schema as JsonObject} />;
}

function Fields({ schema: { properties, required } }: { schema: JsonObject }) {
  const needed = (required ?? []) as string[];
  return (
    <dl>
      {Object.entries(properties as JsonObject).map(([name, field]) => (
        <>
          <dt>
            <code>{name}</code> {needed.includes(name) ? "" : "(optional)"}
          </dt>
          <dd>
            <Schema schema={field} />
          </dd>
        </>
      ))}
    </dl>
  );
}

function Scalar({ schema }: { schema: JsonObject }) {
  const { type = "anything", format, pattern, default: preset } = schema;
  return (
    <>
      {Array.isArray(type) ? type.join(" or ") : type}
      {format !== undefined && ` (${format})`}
      {type === "string" ? limits(schema, "Length") : range(schema)}
      {pattern !== undefined && (
        <>
          <code>{pattern}</code>
        </>
      )}
      {preset !== undefined && (
        <>
          , default <code>{JSON.stringify(preset)}</code>
        </>
      )}
    </>
  );
}

/** " (1 to 64)": numbers of items or characters. */
function limits(schema: JsonObject, of: "Items" | "Length"): string {
  return bounds(schema[`min${of}`], schema[`max${of}`]);
}

function range({ minimum, maximum }: JsonObject): string {
  return bounds(minimum, maximum);
}

function bounds(least: Json | undefined, most: Json | undefined): string {
  if (least === undefined && most === undefined) return "";
  if (least === undefined) return ` (up to ${most})`;
  return most === undefined ? ` (from ${least} on)` : ` (${least} to ${most})`;
}
