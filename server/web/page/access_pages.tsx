/** The pages on which people log in, and choose a password by their set-up link. */
import { MIN_PASSWORD } from "#contract/api/access.ts";
import { Shell } from "./shell.tsx";

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
