/** The people who may use the server, and the credentials by which it knows them. */
import { getLogger } from "@logtape/logtape";
import type {
  Role,
  TokenAdd,
  TokenAnswer,
  TokenView,
  UserAdd,
  UserAnswer,
  UserChange,
  UserView,
} from "#contract/api/access.ts";
import { ROLES } from "#contract/api/access.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { formatToken, parseToken } from "#contract/token.ts";
import type { ApiTokens } from "../store/api_tokens.ts";
import type { UserRecord, Users } from "../store/users.ts";
import { ADMIN_TOKEN, type AdminToken } from "./admin_token.ts";
import { Passwords } from "./passwords.ts";
import type { OidcPerson } from "./oidc_claims.ts";
import type { PageSessions } from "./page_sessions.ts";
import type { Principal } from "./principal.ts";

const log = getLogger(["rackseed", "access"]);
const SETUP_MS = 24 * 3600_000;
const DAY_MS = 86_400_000;
/** Of the set-up link that the first start prints. */
const FIRST_ADMIN = "admin";

interface Options {
  readonly admin: AdminToken;
  readonly users: Users;
  readonly tokens: ApiTokens;
  readonly sessions: PageSessions;
  /** Pin of the CA, which tokens carry. */
  readonly pin: string;
  readonly now: () => number;
}

export class People {
  readonly #options: Options;
  readonly #passwords = new Passwords();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Who holds the admin token or a personal token. */
  ofBearer(text: string): Principal | undefined {
    const { admin, tokens, users } = this.#options;
    if (admin.isToken(text)) return ADMIN_TOKEN;
    const token = tokens.use(parseToken(text)?.secret ?? text);
    const user = token && users.find(token.user);
    if (!user || user.isRefused) return undefined;
    return {
      name: `${user.name} (token ${token.name})`,
      role: lower(token.role, user.role),
      groups: user.groups,
      user: user.name,
      expiresMs: Date.parse(token.expires),
    };
  }

  /** Whose session the page's cookie is. `isUse`: false if only a page that watches asks. */
  ofCookie(cookie: string, { isUse }: { isUse: boolean }): Principal | undefined {
    const session = this.#options.sessions.find(cookie, { isUse });
    if (!session) return undefined;
    if (session.user === undefined) return ADMIN_TOKEN;
    const user = this.#options.users.find(session.user);
    return user && !user.isRefused ? principalOf(user) : undefined;
  }

  /** Who made something that is done later, with the rights that are left: never more than when it was made. */
  ofMaker({ user: name, role }: { user: string | undefined; role: Role }): Principal | undefined {
    if (name === undefined) return ADMIN_TOKEN;
    const user = this.#options.users.find(name);
    return user && { ...principalOf(user), role: lower(role, user.role) };
  }

  /** The cookie of a new session for this user, or undefined; both take the same time. */
  async logIn(name: string, password: string): Promise<{ cookie: string; principal: Principal } | undefined> {
    const found = this.#options.users.find(name);
    if (!await this.#passwords.matches(password, found?.password)) return undefined;
    // it may have been changed or removed meanwhile
    const user = this.#options.users.find(name);
    if (!user || user.isRefused || user.generation !== found?.generation) return undefined;
    return this.#begin(user);
  }

  /** What a login by `signOn` will change, for the audit log. */
  changeBySignOn({ subject, role, groups }: OidcPerson): "user.add" | "user.set" | undefined {
    const user = this.#options.users.ofSubject(subject);
    if (user === undefined) return "user.add";
    return isSameRole(user, { role, groups }) ? undefined : "user.set";
  }

  /**
   * The cookie of a new session for whom the OpenID provider vouches for. It decides about the role, and the first login
   * makes the user. Throws RackseedError (403, 409).
   */
  signOn({ subject, name, role, groups }: OidcPerson): { cookie: string; principal: Principal } {
    const { users } = this.#options;
    const known = users.ofSubject(subject);
    if (known?.isRefused) {
      throw new RackseedError("cannot log in", {
        reason: `an admin has refused ${known.name}.`,
        remedy: "ask an admin: rackseed user set NAME --admit",
        status: 403,
      });
    }
    // a provider may let people choose their names: a name alone must never open another one's account
    if (known === undefined && users.find(name)) {
      throw new RackseedError("cannot log in", {
        reason:
          `the name ${name} is taken by a user whom the provider knows by another account, or not at all.`,
        remedy: `ask an admin to remove that user, if it is yours: rackseed user remove ${name}`,
        status: 409,
      });
    }
    if (known === undefined) users.add({ name, role, ...(groups && { groups: [...groups] }), subject });
    else if (!isSameRole(known, { role, groups })) users.set(known.name, { role, groups });
    return this.#begin(users.get(known?.name ?? name));
  }

  /** Whether the user logs in through the OpenID provider. */
  signsOn(name: string): boolean {
    return this.#options.users.find(name)?.subject !== undefined;
  }

  /** For the audit log: the name if it is a user's, and not whatever a stranger typed. */
  knownName(name: string): string {
    return this.#options.users.find(name)?.name ?? "unknown user";
  }

  ofSetup(code: string): UserRecord | undefined {
    const user = this.#options.users.ofSetup(code);
    return user?.isRefused ? undefined : user;
  }

  /** Sets the password by a set-up link, which is then used up. Undefined if it is not valid. */
  async setUp(code: string, password: string): Promise<{ cookie: string; principal: Principal } | undefined> {
    const { users } = this.#options;
    if (!this.ofSetup(code)) return undefined;
    const hash = await this.#passwords.hash(password);
    const user = this.ofSetup(code);
    if (!user) return undefined;
    users.setPassword(user.name, hash);
    return this.#begin(users.get(user.name));
  }

  /** Ends all sessions of the user; returns the cookie of a new one, or undefined if `current` is wrong. */
  async changePassword(
    name: string,
    { current, password }: { current: string; password: string },
  ): Promise<{ cookie: string; principal: Principal } | undefined> {
    const { users } = this.#options;
    const found = users.find(name);
    if (!await this.#passwords.matches(current, found?.password)) return undefined;
    const hash = await this.#passwords.hash(password);
    if (users.find(name)?.generation !== found?.generation) return undefined;
    users.setPassword(name, hash);
    return this.#begin(users.get(name));
  }

  users(): UserView[] {
    return this.#options.users.list().map(viewOf);
  }

  /** Throws RackseedError (404). */
  user(name: string): UserView {
    return viewOf(this.#options.users.get(name));
  }

  add(request: UserAdd): UserAnswer {
    const { name } = this.#options.users.add(request);
    return { user: viewOf(this.#options.users.get(name)), setup: this.#setup(name) };
  }

  /** Ends the user's sessions. Throws RackseedError (400, 404). */
  change(name: string, { role, groups, reset, refuse }: UserChange): UserAnswer {
    const { users } = this.#options;
    const user = users.get(name);
    if (user.subject !== undefined && (role !== undefined || groups !== undefined || reset)) {
      throw new RackseedError(`cannot change the role or password of ${name}`, {
        reason: "both come from the site's OpenID provider, at each login.",
        remedy: `change them there; to keep ${name} out, refuse it: rackseed user set ${name} --refuse`,
        status: 409,
      });
    }
    const next = role ?? user.role;
    // a role without groups loses them: they must not come back with a later change of role
    const nextGroups = groups === null || next !== "operator" ? undefined : groups ?? user.groups;
    if (groups && next !== "operator") {
      throw new RackseedError(`cannot limit ${name} to groups`, {
        reason: `${name} is ${next}, and only operators are limited to groups.`,
        remedy: "leave the groups out, or make it an operator.",
        status: 400,
      });
    }
    users.set(name, { role: next, groups: nextGroups });
    if (refuse !== undefined) users.refuse(name, refuse);
    if (reset) users.setPassword(name, undefined);
    return { user: viewOf(users.get(name)), ...(reset && { setup: this.#setup(name) }) };
  }

  /** With all tokens and sessions. Throws RackseedError (404). */
  remove(name: string): void {
    const { users, tokens } = this.#options;
    users.get(name);
    tokens.revokeAll(name);
    users.remove(name);
  }

  /** An admin sees all tokens, others their own. */
  tokens({ role, user }: Principal): TokenView[] {
    return this.#options.tokens.list().filter((token) => role === "admin" || token.user === user);
  }

  /**
   * Never more than the one who makes it: not a higher role, and if a token makes it, not a longer life. Throws
   * RackseedError (400, 403, 404, 409).
   */
  addToken(by: Principal, { name, user = by.user, role, days }: TokenAdd): TokenAnswer {
    const { users, tokens, pin, now } = this.#options;
    const title = `cannot make the token ${name}`;
    if (user === undefined) {
      throw new RackseedError(title, {
        reason: "the admin token belongs to no user.",
        remedy: "say whose token it is: rackseed token add NAME --user USER",
        status: 400,
      });
    }
    const expiresMs = now() + days * DAY_MS;
    const owner = user !== by.user && by.role !== "admin" ? undefined : users.get(user);
    const reason = owner === undefined
      ? "only an admin makes tokens for others."
      : lower(role, owner.role) !== role
      ? `its role would be above ${user}'s, ${owner.role}.`
      : lower(role, by.role) !== role
      ? `its role would be above the one of ${by.name}, ${by.role}.`
      : by.expiresMs !== undefined && expiresMs > by.expiresMs
      ? "it would outlive the token that makes it."
      : undefined;
    if (reason !== undefined) {
      throw new RackseedError(title, {
        reason,
        remedy: "ask for less, or log in with a password and make it there.",
        status: 403,
      });
    }
    const { view, secret } = tokens.add({ user, name, role, expiresMs });
    return { view, token: formatToken({ pin, secret }) };
  }

  /** Throws RackseedError (404) if there is none, or it is another user's. */
  revokeToken(by: Principal, id: string): void {
    if (!this.tokens(by).some((token) => token.id === id)) {
      throw new RackseedError(`cannot revoke the token ${id}`, {
        reason: "there is none with that id.",
        remedy: "see `rackseed token list`.",
        status: 404,
      });
    }
    this.#options.tokens.revoke(id);
  }

  /** Ends all sessions: they are signed with the admin token. */
  rotateAdminToken(): string {
    return this.#options.admin.rotate();
  }

  /** While no admin has a password: path of the page that makes one. A full disk must not keep a server from starting. */
  firstSetup(): string | undefined {
    const { users } = this.#options;
    if (users.list().some(({ role, password }) => role === "admin" && password !== undefined)) {
      return undefined;
    }
    try {
      const user = users.find(FIRST_ADMIN) ?? users.add({ name: FIRST_ADMIN, role: "admin" });
      return user.role === "admin" && user.password === undefined ? this.#setup(user.name).path : undefined;
    } catch (error) {
      log.error("no-set-up-link", { error: messageOf(error) });
      return undefined;
    }
  }

  #begin(user: UserRecord): { cookie: string; principal: Principal } {
    return { cookie: this.#options.sessions.begin(user), principal: principalOf(user) };
  }

  #setup(name: string): { path: string; expires: string } {
    const expiresMs = this.#options.now() + SETUP_MS;
    const code = this.#options.users.issueSetup(name, expiresMs);
    return { path: `/setup?code=${code}`, expires: new Date(expiresMs).toISOString() };
  }
}

function lower(a: Role, b: Role): Role {
  return ROLES.indexOf(a) < ROLES.indexOf(b) ? a : b;
}

function isSameRole(a: RoleAndGroups, b: RoleAndGroups): boolean {
  return a.role === b.role && JSON.stringify(a.groups) === JSON.stringify(b.groups);
}

type RoleAndGroups = Pick<UserRecord, "role" | "groups">;

function principalOf({ name, role, groups }: UserRecord): Principal {
  return { name, role, groups, user: name };
}

function viewOf({ name, role, groups, created, password, subject, isRefused }: UserRecord): UserView {
  return {
    name,
    role,
    ...(groups && { groups: [...groups] }),
    created,
    hasPassword: password !== undefined,
    signsOn: subject !== undefined,
    isRefused,
  };
}
