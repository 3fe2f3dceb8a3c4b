/** Markdown of the book → HTML. Raw HTML is escaped, and links lead to pages of the book or to https only. */
import { Marked, Renderer, type Tokens } from "marked";
import { dirname, join } from "node:path/posix";

/** Resolves a repository path; undefined if the product does not show that file. */
interface Targets {
  readonly page: (path: string) => string | undefined;
  readonly picture: (path: string) => string | undefined;
}

/**
 * `path`: the file in the repository, from which relative links are resolved.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { renderMarkdown } from "./render.ts";
 *
 * const targets = { page: () => "/help/deploy", picture: () => undefined };
 * const html = renderMarkdown("See [Deploy](deploy.md), <b>now</b>.", { path: "server/docs/a.md", targets });
 * assert.equal(html, '<p>See <a href="/help/deploy">Deploy</a>, &lt;b&gt;now&lt;/b&gt;.</p>\n');
 * ```
 */
export function renderMarkdown(
  markdown: string,
  { path, targets }: { path: string; targets: Targets },
): string {
  const resolve = (href: string) => join(dirname(path), href);
  const used = new Map<string, number>();
  const marked = new Marked({
    renderer: {
      html: ({ text }) => escapeHtml(text),
      heading({ tokens, depth, text }) {
        const id = anchorOf(text, used);
        return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        return linkTo(href, this.parser.parseInline(tokens));
      },
      image({ href, text }) {
        const source = targets.picture(resolve(href));
        if (source === undefined) return `<em>${escapeHtml(text)}</em>`;
        return `<img src="${escapeHtml(source)}" alt="${escapeHtml(text)}">`;
      },
      // short code is not broken at its hyphens
      codespan: ({ text }) => `<code${text.length <= 24 ? ' class="short"' : ""}>${escapeHtml(text)}</code>`,
      // a wide table scrolls on its own, also by keyboard
      table(token: Tokens.Table) {
        return `<div class="table" tabindex="0">${Renderer.prototype.table.call(this, token)}</div>\n`;
      },
      code: ({ text }) => `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`,
    },
  });
  return marked.parse(markdown, { async: false });

  function linkTo(href: string, content: string): string {
    if (/^https:\/\//.test(href)) return `<a href="${escapeHtml(href)}" rel="noreferrer">${content}</a>`;
    if (href.startsWith("#")) return `<a href="${escapeHtml(href)}">${content}</a>`;
    const [file = "", anchor] = href.split("#");
    const page = /^[a-z]+:/i.test(file) ? undefined : targets.page(resolve(file));
    if (page === undefined) {
      return `<span class="source" title="${escapeHtml(resolve(file))}">${content}</span>`;
    }
    return `<a href="${escapeHtml(anchor === undefined ? page : `${page}#${anchor}`)}">${content}</a>`;
  }
}

/** A heading's anchor, as GitHub makes it too. `used`: how often each came before on the page. */
export function anchorOf(heading: string, used: Map<string, number>): string {
  const anchor = heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
  const count = used.get(anchor) ?? 0;
  used.set(anchor, count + 1);
  return count === 0 ? anchor : `${anchor}-${count}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
