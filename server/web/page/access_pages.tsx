/** The pages on which people log in, choose passwords and manage their tokens. */
import { MAX_TOKEN_DAYS, MIN_PASSWORD, ROLES, type TokenView } from "#contract/api/access.ts";
import type { Principal } from "../../access/principal.ts";
import { formatTime } from "../../words/figures.ts";
import { Header, Shell } from "./shell.tsx";

/** `provider`: the OpenID provider's name, if the site has one. */
export function LoginPage(
  { provider, problem }: { provider?: string | undefined; problem?: string | undefined },
) {
  return (
    <Shell title="Rackseed: log in">
      <main class="login">
        <h1>Rackseed</h1>
        {provider !== undefined && (
          <>
            <a class="button" href="/oidc/login">Log in through {provider}</a>
            <p>or</p>
          </>
        )}
        <form method="post" action="/login">
          <label>
            User
            <input name="user" autofocus autocomplete="username" maxlength={64} spellcheck={false} />
          </label>
          <label>
            Password
            <input name="password" type="password" maxlength={256} autocomplete="current-password" />
          </label>
          <p>or</p>
          <label>
            Token
            <input
              name="token"
              type="password"
              maxlength={256}
              autocomplete="off"
              aria-describedby="token-hint"
            />
          </label>
          <small id="token-hint">
            The admin token, in the file “token” of the server's data directory, by default
            /var/lib/rackseed/token.
          </small>
          {problem && <p class="problem" role="alert">{problem}</p>}
          <button type="submit" class="primary">Log in</button>
          <p>
            <a href="/help">Help</a>
          </p>
        </form>
      </main>
    </Shell>
  );
}

/** Goes on to the overview by itself; see sign_on_routes.tsx. */
export function EnteredPage() {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="refresh" content="0; url=/" />
        <title>Rackseed: logged in</title>
      </head>
      <body>
        <p>
          You are logged in. <a href="/">Go on</a>
        </p>
      </body>
    </html>
  );
}

function NewPassword() {
  return (
    <>
      <label>
        New password, at least {MIN_PASSWORD} characters
        <input
          name="password"
          type="password"
          required
          minlength={MIN_PASSWORD}
          maxlength={256}
          autocomplete="new-password"
        />
      </label>
      <label>
        Once more
        <input name="repeated" type="password" required maxlength={256} autocomplete="new-password" />
      </label>
    </>
  );
}

export function SetupPage({ user, code, problem }: { user: string; code: string; problem?: string }) {
  return (
    <Shell title="Rackseed: choose a password">
      <main class="login">
        <h1>Rackseed</h1>
        <form method="post" action="/setup">
          <input type="hidden" name="code" value={code} />
          <label>
            User
            <input name="user" value={user} readonly autocomplete="username" />
          </label>
          <NewPassword />
          {problem && <p class="problem" role="alert">{problem}</p>}
          <button type="submit" class="primary">Choose this password</button>
        </form>
      </main>
    </Shell>
  );
}

export function AccountPage({ principal, tokens, hasPassword, problem }: {
  principal: Principal;
  tokens: readonly TokenView[];
  /** The user chooses a password here. */
  hasPassword: boolean;
  problem?: string | undefined;
}) {
  const { name, role, groups, user } = principal;
  return (
    <Shell title={`Rackseed: ${name}`}>
      <Header principal={principal}>
        <a href="/">Overview</a>
      </Header>
      <main>
        <p id="problem" role="alert">{problem}</p>
        <section aria-labelledby="account-title">
          <h2 id="account-title">{name}</h2>
          <p>
            Role: {role}
            {role === "operator" && `, for ${groups ? `the groups ${groups.join(", ")}` : "all nodes"}`}
          </p>
          {user !== undefined && !hasPassword && (
            <p>You log in through the site's OpenID provider, which also decides your role.</p>
          )}
          {hasPassword && (
            <form method="post" action="/account/password" class="narrow">
              <input type="hidden" name="user" value={user} autocomplete="username" />
              <label>
                Current password
                <input
                  name="current"
                  type="password"
                  required
                  maxlength={256}
                  autocomplete="current-password"
                />
              </label>
              <NewPassword />
              <small>All other sessions of {name} end. Tokens stay valid.</small>
              <button type="submit">Change password</button>
            </form>
          )}
        </section>
        <Tokens principal={principal} tokens={tokens} />
      </main>
    </Shell>
  );
}

function Tokens({ principal: { user, role }, tokens }: {
  principal: Principal;
  tokens: readonly TokenView[];
}) {
  return (
    <section aria-labelledby="tokens-title">
      <h2 id="tokens-title">Access tokens</h2>
      <p>For the command line and for programs: rackseed … --token TOKEN</p>
      <ul class="tokens">
        {tokens.map((token) => (
          <li>
            <strong>{token.user}: {token.name}</strong>, {token.role}, until {formatTime(token.expires)},{" "}
            {token.lastUsed ? `last used ${formatTime(token.lastUsed)}` : "never used"}{" "}
            <button type="button" data-revoke={token.id}>
              Revoke<span class="hidden">{token.name} of {token.user}</span>
            </button>
          </li>
        ))}
      </ul>
      {user !== undefined && (
        <form id="token-add" class="narrow">
          <label>
            Name of a new token
            <input name="name" required maxlength={32} pattern="[a-zA-Z0-9][a-zA-Z0-9._\-]{0,31}" />
          </label>
          <label>
            Role
            <select name="role">
              {ROLES.slice(0, ROLES.indexOf(role) + 1).map((one) => <option value={one}>{one}</option>)}
            </select>
          </label>
          <label>
            Valid for days
            <input name="days" type="number" min="1" max={MAX_TOKEN_DAYS} value="90" required />
          </label>
          <p class="problem" role="alert"></p>
          <button type="submit">Make the token</button>
          <div data-token hidden>
            <p>Copy it now: it is not shown again.</p>
            <pre></pre>
          </div>
        </form>
      )}
    </section>
  );
}
