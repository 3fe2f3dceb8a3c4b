/** The frame of all pages: where to go, who is logged in, whether the connection lives, and the page itself. */
import { ErrorBoundary, LocationProvider, Router, useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import { DESK_PATHS } from "#contract/desk.ts";
import { connection, user } from "./live/state.ts";
import { whoText } from "./messages/actions.ts";
import { durationText } from "./messages/figures.ts";
import { chooseLanguage, language } from "./messages/language.ts";
import { type Language, LANGUAGES } from "./messages/languages.ts";
import { messages } from "./messages/messages.ts";
import { roleText } from "./messages/roles.ts";
import { t as common } from "./messages/common.ts";
import { shortcuts, useShortcuts } from "./parts/keys.ts";
import { Dialog } from "./parts/dialog.tsx";
import { Notes } from "./parts/notes.tsx";
import { Page } from "./parts/page.tsx";
import { NAVIGATION, ROUTES } from "./routes.tsx";

const t = messages({
  skip: { en: "Skip to the content", de: "Zum Inhalt springen", zh: "跳到正文" },
  pages: { en: "Pages", de: "Seiten", zh: "页面" },
  live: { en: "live", de: "live", zh: "实时" },
  connecting: { en: "connecting…", de: "verbindet …", zh: "连接中…" },
  lost: {
    en: "No connection to the server for {time}. What is shown is old. Connecting again by itself…",
    de:
      "Seit {time} keine Verbindung zum Server. Was zu sehen ist, ist alt. Die Verbindung wird von selbst neu aufgebaut …",
    zh: "与服务器失去连接已 {time}。所示内容已过时，正在自动重连…",
  },
  language: { en: "Language", de: "Sprache", zh: "语言" },
  logOut: { en: "Log out", de: "Abmelden", zh: "退出登录" },
  help: { en: "Help", de: "Hilfe", zh: "帮助" },
  keys: { en: "Keyboard shortcuts", de: "Tastenkürzel", zh: "键盘快捷键" },
});

export function App() {
  return (
    <LocationProvider scope={DESK_PATHS}>
      <a class="skip" href="#main">{t("skip")}</a>
      <Navigation />
      <div class="content">
        <ConnectionBanner />
        <ErrorBoundary>
          <Router>
            {ROUTES}
            <NotFound default />
          </Router>
        </ErrorBoundary>
        <Notes />
      </div>
      <Shortcuts />
    </LocationProvider>
  );
}

function Navigation() {
  const { path } = useLocation();
  return (
    <header class="side">
      <a class="brand" href="/">Rackseed</a>
      <p class={`connection ${connection.value.is}`} role="status">
        {connection.value.is === "live"
          ? t("live")
          : connection.value.is === "connecting"
          ? t("connecting")
          : "✕"}
      </p>
      <nav aria-label={t("pages")}>
        <ul>
          {NAVIGATION.filter(({ isFor = () => true }) => isFor()).map(({ href, text }) => {
            const isHere = href === "/" ? path === "/" : path === href || path.startsWith(`${href}/`);
            return (
              <li key={href}>
                <a href={href} aria-current={isHere ? "page" : undefined}>{text()}</a>
              </li>
            );
          })}
          <li>
            <a href="/help">{t("help")}</a>
          </li>
        </ul>
      </nav>
      <div class="person">
        <Person />
        <label>
          <span class="hidden">{t("language")}</span>
          <select
            value={language}
            onChange={(event) => chooseLanguage(event.currentTarget.value as Language)}
          >
            {Object.entries(LANGUAGES).map(([tag, name]) => (
              <option key={tag} value={tag} lang={tag}>{name}</option>
            ))}
          </select>
        </label>
        <form method="post" action="/logout">
          <button type="submit">{t("logOut")}</button>
        </form>
      </div>
    </header>
  );
}

function Person() {
  const who = user.value;
  if (!who) return null;
  return <a href="/account">{who.isAdminToken ? whoText(who.name) : `${who.name} (${roleText(who.role)})`}
  </a>;
}

/** Stands above everything while there is no connection. */
function ConnectionBanner() {
  const [now, setNow] = useState(Date.now());
  const state = connection.value;
  useEffect(() => {
    document.documentElement.classList.toggle("stale", state.is === "lost");
    if (state.is !== "lost") return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [state]);
  if (state.is !== "lost") return null;
  return (
    <div class="lost" role="alert">
      {t("lost", { time: durationText(Math.max(0, now - state.since) / 1000) })}
    </div>
  );
}

function Shortcuts() {
  const [isOpen, setIsOpen] = useState(false);
  useShortcuts([{ key: "?", text: t("keys"), run: () => setIsOpen(true) }]);
  if (!isOpen) return null;
  return (
    <Dialog title={t("keys")} onClose={() => setIsOpen(false)}>
      <dl class="keys">
        {shortcuts().map(({ key, text }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function NotFound(_: { default?: boolean }) {
  return (
    <Page title={common("notFound")}>
      <p>
        <a href="/">{common("toOverview")}</a>
      </p>
    </Page>
  );
}
