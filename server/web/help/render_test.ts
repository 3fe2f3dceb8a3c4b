import assert from "node:assert/strict";
import { anchorOf, renderMarkdown } from "./render.ts";

const TARGETS = {
  page: (path: string) => path === "server/docs/deploy.md" ? "/help/deploy" : undefined,
  picture: (path: string) => path === "server/docs/images/a.svg" ? "/help/images/a.svg" : undefined,
};
const rendered = (markdown: string) =>
  renderMarkdown(markdown, { path: "server/docs/capture.md", targets: TARGETS }).trim();

const CASES: readonly [what: string, markdown: string, html: string][] = [
  [
    "a heading gets an anchor",
    "## Which `disk` is it?",
    '<h2 id="which-disk-is-it">Which <code class="short">disk</code> is it?</h2>',
  ],
  ["raw HTML is text", "<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
  ["raw HTML amid text is text", "a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>"],
  ["a link to a page of the book", "[x](deploy.md#at-once)", '<p><a href="/help/deploy#at-once">x</a></p>'],
  ["a link within the page", "[x](#at-once)", '<p><a href="#at-once">x</a></p>'],
  [
    "a link to the web",
    "[x](https://deno.com/a?b=1&c)",
    '<p><a href="https://deno.com/a?b=1&amp;c" rel="noreferrer">x</a></p>',
  ],
  [
    "a source file is named, not linked",
    "[x](../web/app.ts)",
    '<p><span class="source" title="server/web/app.ts">x</span></p>',
  ],
  [
    "a link that runs a script is none",
    "[x](javascript:alert)",
    '<p><span class="source" title="server/docs/javascript:alert">x</span></p>',
  ],
  ["a picture of the book", "![p](images/a.svg)", '<p><img src="/help/images/a.svg" alt="p"></p>'],
  ["a picture from elsewhere is its text", "![p](https://x.org/a.png)", "<p><em>p</em></p>"],
  [
    "code is as it was written",
    "```sh\na <b> && c\n```",
    '<pre tabindex="0"><code>a &lt;b&gt; &amp;&amp; c</code></pre>',
  ],
];

for (const [what, markdown, html] of CASES) Deno.test(what, () => assert.equal(rendered(markdown), html));

Deno.test("headings of one text have anchors of their own", () => {
  const used = new Map<string, number>();
  const anchors = ["One", "Two: a/b", "One"].map((heading) => anchorOf(heading, used));
  assert.deepEqual(anchors, ["one", "two-ab", "one-1"]);
});
