/** The frame of the pages that the server draws itself. */
import type { Child } from "hono/jsx";

export function html(page: { toString(): string }): string {
  return `<!doctype html>${page}`;
}

export function Shell(
  { title, language = "en", children }: { title: string; language?: string; children: Child },
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
      </head>
      <body>{children}</body>
    </html>
  );
}
