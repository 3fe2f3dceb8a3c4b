/** The people: their sessions, tokens and logins. */
import type { AdminToken } from "../access/admin_token.ts";
import { LoginRecord } from "../access/login_record.ts";
import { OidcProvider } from "../access/oidc_provider.ts";
import { PageSessions } from "../access/page_sessions.ts";
import { People } from "../access/people.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { EndedSessions } from "../store/ended_sessions.ts";
import type { ServerData } from "./open_data.ts";
import type { StartContext } from "./start_context.ts";

interface PeopleParts {
  readonly people: People;
  readonly sessions: PageSessions;
  readonly logins: LoginRecord;
  /** The OpenID provider, if the site has one. */
  readonly signOn: SignOn | undefined;
}

/** See web/page/sign_on_routes.tsx. */
interface SignOn {
  readonly provider: OidcProvider;
  readonly signer: Pick<AdminToken, "sign" | "isSignature">;
}

export function startPeople(
  { options, stack, now }: StartContext,
  { admin, audit, db, pin, tokens, users }: ServerData,
): PeopleParts {
  const generationOf = (user: string) => users.find(user)?.generation;
  const provider = openProvider(options, now);
  if (provider) stack.use(provider);
  const sessions = new PageSessions({ admin, ended: new EndedSessions(db), generationOf, now });
  return {
    people: new People({ admin, users, tokens, sessions, pin, now }),
    sessions,
    logins: new LoginRecord({ audit, now }),
    signOn: provider && { provider, signer: admin },
  };
}

/** Undefined if the site has none. Throws RackseedError. */
function openProvider(options: ServerOptions, now: () => number): OidcProvider | undefined {
  const { oidcIssuer: issuer, oidcClientId: clientId } = options;
  if (issuer === undefined || clientId === undefined) return undefined;
  return new OidcProvider({
    issuer,
    clientId,
    secretFile: options.oidcSecretFile,
    caFile: options.oidcCaFile,
    scopes: options.oidcScope ?? [],
    nameClaim: options.oidcNameClaim ?? "preferred_username",
    roleClaim: options.oidcRoleClaim ?? "groups",
    roles: options.oidcRole ?? [],
  }, { now });
}
