import assert from "node:assert/strict";
import { parseRoleRule } from "#contract/role_rule.ts";
import { personOf } from "./oidc_claims.ts";

const rules = (...texts: string[]) => texts.map((text) => parseRoleRule(text) ?? assert.fail(text));
const RULES = {
  nameClaim: "preferred_username",
  roleClaim: "groups",
  roles: rules("admin=admins", "operator=ops", "operator/rack1=r1", "operator/rack2=r2", "viewer=staff"),
};
const ANNA = { iss: "https://idp.example", sub: "1", preferred_username: "Anna" };

const CASES: [groups: unknown, role: string, nodes: string[] | undefined][] = [
  [["staff"], "viewer", undefined],
  ["staff", "viewer", undefined],
  [["staff", "r2", "r1", "r1"], "operator", ["rack1", "rack2"]],
  [["r1", "ops"], "operator", undefined],
  [["ops", "admins", "r1"], "admin", undefined],
];

Deno.test("the highest role counts, and an operator is limited to groups unless one value gives all nodes", () => {
  for (const [groups, role, nodes] of CASES) {
    const person = personOf({ ...ANNA, groups }, RULES);
    assert.deepEqual([person.name, person.role, person.groups], ["anna", role, nodes], String(groups));
  }
});

Deno.test("a claim may lie in another one, and everybody may have a role", () => {
  const nested = { ...RULES, roleClaim: "realm_access.roles", roles: rules("admin=a", "viewer=*") };
  assert.equal(personOf({ ...ANNA, realm_access: { roles: ["a"] } }, nested).role, "admin");
  assert.equal(personOf({ ...ANNA, realm_access: "a" }, nested).role, "viewer");
  assert.equal(personOf({ ...ANNA, "realm_access.roles": ["a"] }, nested).role, "admin");
});

Deno.test("people of two issuers are not the same, whatever their subjects look like", () => {
  const [a, b] = ["x", 'x","y'].map((sub) => personOf({ ...ANNA, sub, groups: ["ops"] }, RULES).subject);
  assert.notEqual(a, b);
});

const REFUSED: [what: string, claims: object, reason: RegExp][] = [
  ["no name", { preferred_username: undefined, groups: ["ops"] }, /no claim preferred_username/],
  ["a name that is none here", { preferred_username: "../x", groups: ["ops"] }, /is not a user's name/],
  ["a name that is no text", { preferred_username: 5, groups: ["ops"] }, /is not a user's name/],
  ["no claim for the role", {}, /sent no claim groups/],
  ["no matching value", { groups: ["others", 5, null] }, /none of anna's values/],
  ["a value that only contains a right one", { groups: ["admins2", "xops"] }, /none of anna's values/],
  ["everybody, said by the provider", { groups: ["*"] }, /none of anna's values/],
];

for (const [what, claims, reason] of REFUSED) {
  Deno.test(`a login is refused for ${what}`, () => {
    assert.throws(
      () => personOf({ ...ANNA, ...claims }, RULES),
      (error: { reason: string; status: number }) => error.status === 403 && reason.test(error.reason),
    );
  });
}
