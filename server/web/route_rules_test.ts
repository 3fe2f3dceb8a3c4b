import assert from "node:assert/strict";
import { checkRules, RULES } from "./route_rules.ts";

const ROUTES = Object.keys(RULES).map((name) => {
  const [method = "", path = ""] = name.split(" ");
  return { method, path: `/api${path}` };
});

Deno.test("a route without a rule or a description is named, with what to do", () => {
  checkRules(ROUTES, "/api");
  assert.throws(
    () => checkRules([...ROUTES, { method: "POST", path: "/api/nodes/:node/power" }], "/api"),
    /POST \/nodes\/:node\/power has no rule; POST \/nodes\/:node\/power has no description: add it to .*contract\/calls/,
  );
});

Deno.test("a rule or a description without a route is named", () => {
  assert.throws(
    () => checkRules(ROUTES.slice(1), "/api"),
    /POST \/node\/enrol is described, but no route; POST \/node\/enrol is no route/,
  );
});
