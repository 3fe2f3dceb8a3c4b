import assert from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { CALLS, SUBJECTS } from "#contract/calls.ts";
import { RULES } from "../route_rules.ts";
import { apiDocument } from "./document.ts";

const document = apiDocument();
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

Deno.test("the document is valid OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
  assert.deepEqual([valid, errors], [true, undefined]);
});

Deno.test("it has every call once, and operation ids are unique", () => {
  const calls = Object.values(SUBJECTS).flatMap((table) => Object.keys(table));
  assert.deepEqual(calls.toSorted(), Object.keys(RULES).sort());
  assert.deepEqual(calls.toSorted(), Object.keys(CALLS).sort());
  assert.equal(operations.length, calls.length);
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
});

Deno.test("every reference leads somewhere, and every component is used", () => {
  const text = JSON.stringify(document);
  const used = new Set([...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name));
  assert.deepEqual([...used].sort(), Object.keys(document.components.schemas).sort());
});

Deno.test("no message is described as anything at all", () => {
  const vague = Object.entries(document.components.schemas)
    .filter(([, schema]) => Object.keys(schema as object).length === 0);
  assert.deepEqual(vague, []);
});

Deno.test("a summary is one sentence that says what the call does", () => {
  const wrong = Object.entries(CALLS).filter(([, { summary }]) => !/^[A-Z][a-z]+ [^.]+\.$/.test(summary));
  assert.deepEqual(wrong.map(([name]) => name), []);
});

Deno.test("what differs between requests and answers is there twice, everything else once", () => {
  const names = Object.keys(document.components.schemas);
  const twice = names.filter((name) => name.endsWith("_REQUEST"));
  assert.ok(twice.includes("NodeSettings_REQUEST"), "its interfaces have defaults");
  for (const name of twice) assert.ok(names.includes(name.replace(/_REQUEST$/, "")), name);
  assert.ok(!names.includes("DeployRequest_REQUEST"));
});
