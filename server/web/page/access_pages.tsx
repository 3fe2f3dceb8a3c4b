/** The pages on which people log in, and choose a password by their set-up link. */
import { MIN_PASSWORD } from "#contract/api/access.ts";
import type { Words } from "./access_messages.ts";
import { Shell } from "./shell.tsx";

/** `provider`: the OpenID provider's name, if the site has one. */
export function LoginPage(
  { t, provider, problem }: { t: Words; provider?: string | undefined; problem?: string | undefined },
) {
  return (
    <Shell title={`Rackseed: ${t("logIn")}`} language={t.language}>
      <main class="login">
        <h1>Rackseed</h1>
        {provider !== undefined && (
          <>
            <a class="button" href="/oidc/login">{t("logInThrough", { provider })}</a>
            <p>{t("or")}</p>
          </>
        )}
        <form method="post" action="/login">
          <label>
            {t("user")}
            <input name="user" autofocus autocomplete="username" maxlength={64} spellcheck={false} />
          </label>
          <label>
            {t("password")}
            <input name="password" type="password" maxlength={256} autocomplete="current-password" />
          </label>
          <p>{t("or")}</p>
          <label>
            {t("token")}
            <input
              name="token"
              type="password"
              maxlength={256}
              autocomplete="off"
              aria-describedby="token-hint"
            />
          </label>
          <small id="token-hint">{t("tokenHint")}</small>
          {problem && <p class="problem" role="alert">{problem}</p>}
          <button type="submit" class="primary">{t("logIn")}</button>
          <p>
            <a href="/help">{t("help")}</a>
          </p>
        </form>
      </main>
    </Shell>
  );
}

/** Goes on to the overview by itself; see sign_on_routes.tsx. */
export function EnteredPage({ t }: { t: Words }) {
  return (
    <html lang={t.language}>
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="refresh" content="0; url=/" />
        <title>Rackseed</title>
      </head>
      <body>
        <p>
          {t("loggedIn")} <a href="/">{t("goOn")}</a>
        </p>
      </body>
    </html>
  );
}

function NewPassword({ t }: { t: Words }) {
  return (
    <>
      <label>
        {t("newPassword")}
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
        {t("onceMore")}
        <input name="repeated" type="password" required maxlength={256} autocomplete="new-password" />
      </label>
    </>
  );
}

export function SetupPage(
  { t, user, code, problem }: { t: Words; user: string; code: string; problem?: string },
) {
  return (
    <Shell title={`Rackseed: ${t("choosePassword")}`} language={t.language}>
      <main class="login">
        <h1>Rackseed</h1>
        <form method="post" action="/setup">
          <input type="hidden" name="code" value={code} />
          <label>
            {t("user")}
            <input name="user" value={user} readonly autocomplete="username" />
          </label>
          <NewPassword t={t} />
          {problem && <p class="problem" role="alert">{problem}</p>}
          <button type="submit" class="primary">{t("choose")}</button>
        </form>
      </main>
    </Shell>
  );
}
