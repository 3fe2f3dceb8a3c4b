/** One page of the book, with the list of all pages beside it. */
import { raw } from "hono/html";
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
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{page.title} – Rackseed help</title>
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
          <main>{raw(renderMarkdown(page.markdown, { path: page.path, targets: TARGETS }))}</main>
          <nav id="contents" aria-label="All pages">
            {CHAPTERS.map(({ title, pages }) => (
              <section>
                <h2>{title}</h2>
                <ul>
                  {pages.map((other) => (
                    <li>
                      <a href={addressOf(other)} aria-current={other === page ? "page" : undefined}>
                        {other.title}
                      </a>
                    </li>
                  ))}
                </ul>
              </section>
            ))}
          </nav>
        </div>
      </body>
    </html>
  );
}
