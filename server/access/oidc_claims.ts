/** Who a person is, and what they may do, out of what the OpenID provider says of them. Pure. */
import { type Role, ROLES, UserName } from "#contract/api/access.ts";
import { RackseedError } from "#contract/errors.ts";
import type { RoleRule } from "#contract/role_rule.ts";

export interface OidcPerson {
  /** Issuer and subject (OpenID Connect Core 1.0 §2): what identifies a person for good, whatever their name. */
  readonly subject: string;
  readonly name: string;
  readonly role: Role;
  /** An operator's groups of nodes; undefined: all nodes. */
  readonly groups: readonly string[] | undefined;
}

export interface ClaimRules {
  readonly nameClaim: string;
  readonly roleClaim: string;
  readonly roles: readonly RoleRule[];
}

type Claims = Readonly<Record<string, unknown>>;

/** Far more than a person is a member of. */
const MAX_VALUES = 1000;

/** `claims` has at least `iss` and `sub`. Throws RackseedError (403) if there is no usable name, or no role. */
export function personOf(claims: Claims, { nameClaim, roleClaim, roles }: ClaimRules): OidcPerson {
  const said = claimOf(claims, nameClaim);
  const name = UserName.safeParse(typeof said === "string" ? said.toLowerCase() : undefined);
  if (!name.success) {
    throw refused(
      said === undefined
        ? `the provider sent no claim ${nameClaim}, which names the user.`
        : `the provider's claim ${nameClaim} is not a user's name here: ${name.error.issues[0]?.message}.`,
      "ask an admin to set --oidc-name-claim or --oidc-scope.",
    );
  }
  const values = valuesOf(claimOf(claims, roleClaim));
  const matching = roles.filter(({ value }) => value === "*" || values.includes(value));
  const role = ROLES.findLast((one) => matching.some((rule) => rule.role === one));
  if (role === undefined) {
    const reason = claimOf(claims, roleClaim) === undefined
      ? `the provider sent no claim ${roleClaim}, which gives ${name.data} a role.`
      : `none of ${name.data}'s values in the claim ${roleClaim} gives a role here.`;
    throw refused(reason, "ask an admin for a role: --oidc-role says which values give one.");
  }
  const rules = matching.filter((rule) => rule.role === role);
  const groups = rules.flatMap(({ group }) => group ?? []);
  const isLimited = rules.every(({ group }) => group !== undefined);
  const subject = JSON.stringify([claims["iss"], claims["sub"]]);
  return { subject, name: name.data, role, groups: isLimited ? [...new Set(groups)].sort() : undefined };
}

/** `name`: "groups", or a path such as "realm_access.roles" if there is no claim of that name. */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  const at = name.indexOf(".");
  const inner = at < 0 ? undefined : claims[name.slice(0, at)];
  return typeof inner === "object" && inner !== null
    ? claimOf(inner as Claims, name.slice(at + 1))
    : undefined;
}

function valuesOf(claim: unknown): readonly unknown[] {
  return Array.isArray(claim) ? claim.slice(0, MAX_VALUES) : [claim];
}

function refused(reason: string, remedy: string): RackseedError {
  return new RackseedError("cannot log in", { reason, remedy, status: 403 });
}
