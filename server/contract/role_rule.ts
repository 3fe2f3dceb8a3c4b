/**
 * Which role a value of a claim gives, as settings write it:
 *
 *     ROLE=VALUE            admin=cluster-admins
 *     operator/GROUP=VALUE  operator/rack1=rack1-staff     only nodes of this group
 *     ROLE=*                viewer=*                       everybody whom the provider knows
 */
import { Role } from "./api/access.ts";
import { RackLabel } from "./api/distribution.ts";

export interface RoleRule {
  readonly role: Role;
  /** The operator's group of nodes; undefined: all nodes. */
  readonly group?: string;
  /** "*" for everybody. */
  readonly value: string;
}

const MAX_VALUE = 256;

/**
 * Undefined if the text is no rule.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseRoleRule("operator/rack1=ops"), { role: "operator", group: "rack1", value: "ops" });
 * assert.deepEqual(parseRoleRule("viewer=*"), { role: "viewer", value: "*" });
 * assert.equal(parseRoleRule("viewer/rack1=ops"), undefined);
 * ```
 */
export function parseRoleRule(text: string): RoleRule | undefined {
  const [, name, label, value = ""] = /^([a-z]+)(?:\/([^=]+))?=(.+)$/.exec(text) ?? [];
  const role = Role.safeParse(name), group = RackLabel.optional().safeParse(label);
  if (!role.success || !group.success || value.length > MAX_VALUE) return undefined;
  if (group.data === undefined) return { role: role.data, value };
  return role.data === "operator" ? { role: role.data, group: group.data, value } : undefined;
}
