/** What every page has: a heading, actions beside it, and its name in the browser's tab. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { counts } from "../live/state.ts";
import { messages } from "../messages/messages.ts";

const t = messages({
  failed: { en: "{n} failed", de: "{n} fehlgeschlagen", zh: "{n} 个失败" },
  trail: { en: "Where this page belongs", de: "Wohin diese Seite gehört", zh: "页面位置" },
});

interface Props {
  readonly title: string;
  /** A class for the page's own style sheet. */
  readonly kind?: string;
  /** Shown above the title: where this page belongs. */
  readonly trail?: readonly { readonly href: string; readonly text: string }[];
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Page({ title, kind, trail = [], actions, children }: Props) {
  const failed = counts.value.failed ?? 0;
  useEffect(() => {
    const first = failed > 0 ? [t("failed", { n: failed })] : [];
    document.title = [...first, title, "Rackseed"].join(" · ");
  }, [failed, title]);
  return (
    <main id="main" tabIndex={-1} class={kind}>
      {trail.length > 0 && (
        <nav class="trail" aria-label={t("trail")}>
          <ol>
            {trail.map(({ href, text }) => (
              <li key={href}>
                <a href={href}>{text}</a>
              </li>
            ))}
          </ol>
        </nav>
      )}
      <div class="bar">
        <h1>{title}</h1>
        {actions}
      </div>
      {children}
    </main>
  );
}
