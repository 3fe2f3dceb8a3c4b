/** What all pages share: the frame, and the bar at the top. */
import type { Child } from "hono/jsx";
import type { Principal } from "../../access/principal.ts";

export function html(page: { toString(): string }): string {
  return `<!doctype html>${page}`;
}

/** `script`: the page's own, besides that of all pages. */
export function Shell(
  { title, language = "en", script, children }: {
    title: string;
    language?: string;
    script?: string;
    children: Child;
  },
) {
  return (
    <html lang={language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/page.css" />
        <script type="module" src="/page.js"></script>
        {script !== undefined && <script type="module" src={script}></script>}
      </head>
      <body>{children}</body>
    </html>
  );
}

/** Who is logged in, and where else to go. `children`: what the page has between title and links. */
export function Header({ principal, children }: { principal: Principal; children?: Child }) {
  const { name, role } = principal;
  return (
    <header>
      <h1>Rackseed</h1>
      {children}
      <a href="/schedules">Schedules</a>
      {principal.role === "admin" && (
        <>
          <a href="/users">Users</a>
          <a href="/audit">Audit</a>
        </>
      )}
      <a href="/help">Help</a>
      <a href="/account" id="who">{name === "admin token" ? name : `${name} (${role})`}</a>
      <form method="post" action="/logout">
        <button type="submit">Log out</button>
      </form>
    </header>
  );
}
