/** Who may do what: roles, users, and their tokens. */
import { z } from "zod";
import { RackLabel } from "./distribution.ts";
import { id, text, time } from "./fields.ts";

/** From the least to the most. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;

/** No capitals: two users must not differ by case alone. With @, since many OpenID providers name people by address. */
export const UserName = z.string().regex(/^[a-z][a-z0-9._@-]{0,63}$/, {
  error: "a user's name is 1 to 64 lower-case letters, digits, . _ - @ and starts with a letter",
});

export const MIN_PASSWORD = 12;
export const Password = z.string().min(MIN_PASSWORD, {
  error: `a password has at least ${MIN_PASSWORD} characters`,
}).max(256, { error: "a password has at most 256 characters" });

/** An operator's groups of nodes. */
const Groups = z.array(RackLabel).min(1).max(100);

export const UserView = z.object({
  name: UserName,
  role: Role,
  /** Absent: all nodes. */
  groups: Groups.optional(),
  created: time,
  /** False until the user has chosen a password with the set-up link. */
  hasPassword: z.boolean(),
  /** The user logs in through the OpenID provider, which also gives the role. */
  signsOn: z.boolean(),
  /** Neither logins nor tokens of the user are accepted. */
  isRefused: z.boolean(),
});
export type UserView = z.infer<typeof UserView>;

const ONLY_OPERATORS = { error: "only operators are limited to groups" };
export const UserAdd = z.strictObject({ name: UserName, role: Role, groups: Groups.optional() })
  .refine(({ role, groups }) => groups === undefined || role === "operator", ONLY_OPERATORS);
export type UserAdd = z.infer<typeof UserAdd>;

/**
 * `groups`: null for all nodes. `reset`: the password becomes invalid, and a new set-up link is made. `refuse`: whether
 * logins and tokens are refused from now on.
 */
export const UserChange = z.strictObject({
  role: Role.optional(),
  groups: Groups.nullable().optional(),
  reset: z.boolean().optional(),
  refuse: z.boolean().optional(),
});
export type UserChange = z.infer<typeof UserChange>;

/** `setup`: path of the page where the user chooses a password, good once and until `expires`. */
export const UserAnswer = z.object({
  user: UserView,
  setup: z.object({ path: text(200), expires: time }).optional(),
});
export type UserAnswer = z.infer<typeof UserAnswer>;

const TokenName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,31}$/, {
  error: "a token's name is 1 to 32 letters, digits, . _ - and starts with a letter or digit",
});

export const MAX_TOKEN_DAYS = 366;
export const TokenAdd = z.strictObject({
  name: TokenName,
  /** Absent: the one who makes it. Admins may make tokens for others. */
  user: UserName.optional(),
  role: Role,
  days: z.int().min(1).max(MAX_TOKEN_DAYS),
});
export type TokenAdd = z.infer<typeof TokenAdd>;

export const TokenView = z.object({
  id,
  user: UserName,
  name: TokenName,
  role: Role,
  created: time,
  expires: time,
  /** To the minute. */
  lastUsed: time.optional(),
});
export type TokenView = z.infer<typeof TokenView>;

/** `token` is shown this once: the server keeps its hash. */
export const TokenAnswer = z.object({ view: TokenView, token: text(200) });
export type TokenAnswer = z.infer<typeof TokenAnswer>;

export const AdminTokenAnswer = z.object({ token: text(200) });

/** Who makes the call. */
export const WhoAmI = z.object({
  name: text(200),
  role: Role,
  user: UserName.optional(),
  groups: Groups.optional(),
});
export type WhoAmI = z.infer<typeof WhoAmI>;
