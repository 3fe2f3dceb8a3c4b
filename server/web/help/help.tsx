/** One page of the book, with the list of all pages beside it. */
import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { type BookPage, CHAPTERS, PAGES, PICTURES, PICTURES_PATH } from "./book.ts";
import { renderMarkdown } from "./render.ts";

const TARGETS = {
  page: (path: string) => {
    const found = PAGES.find((page) => page.path === path);
    return found && addressOf(found);
  },
  picture: (path: string) => {
    const name = path.slice(PICTURES_PATH.length);
    return path.startsWith(PICTURES_PATH) && PICTURES.has(name) ? `/help/images/${name}` : undefined;
  },
};

export function addressOf({ slug }: Pick<BookPage, "slug">): string {
  return `/help/${slug}`;
}

export function HelpPage({ page }: { page: BookPage }) {
  return (
    <HelpFrame title={page.title} address={addressOf(page)}>
      {raw(renderMarkdown(page.markdown, { path: page.path, targets: TARGETS }))}
    </HelpFrame>
  );
}

export const API_REFERENCE = { address: "/help/api-reference", title: "API reference" };

/** `address`: of the page itself. */
export function HelpFrame(
  { title, address, children }: { title: string; address: string; children: Child },
) {
  const link = (to: string, text: string) => (
    <li>
      <a href={to} aria-current={to === address ? "page" : undefined}>{text}</a>
    </li>
  );
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title} – Rackseed help</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/page.css" />
        <link rel="stylesheet" href="/help.css" />
      </head>
      <body class="help">
        <header>
          <h1>
            <a href="/">Rackseed</a>
          </h1>
          <p>Help</p>
          <a class="to-contents" href="#contents">All pages</a>
        </header>
        <div class="book">
          <main>{children}</main>
          <nav id="contents" aria-label="All pages">
            {CHAPTERS.map(({ title, pages }) => (
              <section>
                <h2>{title}</h2>
                <ul>{pages.map((page) => link(addressOf(page), page.title))}</ul>
              </section>
            ))}
            <section>
              <h2>Look up</h2>
              <ul>{link(API_REFERENCE.address, API_REFERENCE.title)}</ul>
            </section>
          </nav>
        </div>
      </body>
    </html>
  );
}
