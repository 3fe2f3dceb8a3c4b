/** Who makes a call, and whether they may. Roles are enforced here and nowhere else. */
import type { Role } from "#contract/api/access.ts";
import { RackseedError } from "#contract/errors.ts";

export interface Principal {
  /** For people and the audit log: "admin token", "anna", "anna (token ci)". */
  readonly name: string;
  readonly role: Role;
  /** An operator's groups of nodes; undefined: all nodes. */
  readonly groups?: readonly string[] | undefined;
  /** Absent: the admin token, which is no user's. */
  readonly user?: string;
  /** When the token that makes the call expires. */
  readonly expiresMs?: number;
}

/**
 * What a call needs:
 *
 * - "view": any role
 * - "order": an operator, for nodes of their groups
 * - "operate": an operator of all nodes, since it concerns images or nodes of every group
 * - "administer": an admin
 */
export type Access = "view" | "order" | "operate" | "administer";

/** A node that a call names. */
export interface NamedNode {
  readonly name: string;
  readonly group?: string | undefined;
}

/**
 * Why the call is refused (403); undefined if it is not.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const anna = { name: "anna", role: "operator", groups: ["rack1"] } as const;
 * assert.equal(refusalOf(anna, { access: "order", nodes: [{ name: "n1", group: "rack1" }] }), undefined);
 * assert.match(String(refusalOf(anna, { access: "order", nodes: [{ name: "n2" }] })), /n2 is not in/);
 * assert.match(String(refusalOf(anna, { access: "administer", nodes: [] })), /needs the role admin/);
 * ```
 */
export function refusalOf(
  principal: Principal,
  { access, nodes }: { access: Access; nodes: readonly NamedNode[] },
): RackseedError | undefined {
  const { role, groups } = principal;
  if (access === "view" || role === "admin") return undefined;
  if (access === "administer") return refused(principal, "it needs the role admin");
  if (role !== "operator") return refused(principal, "it needs the role operator");
  if (groups === undefined) return undefined;
  const allowed = `the groups of ${principal.name}: ${groups.join(", ")}`;
  if (access === "operate") {
    return refused(principal, `it concerns all nodes and images, and the role is limited to ${allowed}`);
  }
  const foreign = nodes.find(({ group }) => group === undefined || !groups.includes(group));
  if (foreign) return refused(principal, `${foreign.name} is not in ${allowed}`);
  return nodes.length > 0 ? undefined : refused(principal, `it names no node of ${allowed}`);
}

function refused({ name, role }: Principal, reason: string): RackseedError {
  return new RackseedError(`${name} may not do this`, {
    reason: `${reason}; ${name} is ${role === "viewer" ? "a viewer" : "an operator"}.`,
    remedy: "ask an admin to do it, or for another role: rackseed user set.",
    status: 403,
  });
}
