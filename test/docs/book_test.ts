/** The documentation as a whole: no dead links, nothing missing from Help, only messages that the product prints. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import settings from "../../deno.json" with { type: "json" };
import { PAGES, PICTURES, PICTURES_PATH } from "../../server/web/help/book.ts";
import { projectFiles, sourceFiles } from "../support/source_files.ts";
import { commandsOf, type Document, readDocuments } from "./support/documents.ts";

const documents = await readDocuments();
const files = await projectFiles();
const README_BYTES = 8192;

Deno.test("the README is short", async () => {
  const { size } = await Deno.stat("README.md");
  assert.ok(size <= README_BYTES, `${size} bytes`);
});

Deno.test("every page of server/docs is reachable from the navigation of Help, and from the README", () => {
  const pages = documents.map(({ path }) => path).filter((path) => path.startsWith("server/docs/"));
  const shown = PAGES.map(({ path }) => path);
  assert.deepEqual(pages.filter((path) => !shown.includes(path)), []);
  const linked = documents.find(({ path }) => path === "README.md")?.links.map(({ href }) => href);
  assert.deepEqual(pages.filter((path) => !linked?.includes(path)), []);
});

Deno.test("no Markdown file has a dead link, anchor or picture", () => {
  const dead = documents.flatMap((document) =>
    document.links.filter(({ href }) => !leadsSomewhere(document, href)).map(({ href }) =>
      `${document.path}: ${href}`
    )
  );
  assert.deepEqual(dead, []);
});

Deno.test("Help shows every picture of its pages, and has no other", () => {
  const used = PAGES.flatMap(({ path }) =>
    documents.find((document) => document.path === path)?.links.filter(({ kind }) => kind === "image")
      .map(({ href }) => join(dirname(path), href)) ?? []
  );
  const shown = [...PICTURES.keys()].map((name) => `${PICTURES_PATH}${name}`);
  assert.deepEqual([...new Set(used)].sort(), shown.sort());
  assert.deepEqual(files.filter((path) => path.startsWith(PICTURES_PATH)).sort(), shown);
});

Deno.test("every message of the troubleshooting tables is one that the product prints", async () => {
  const product = (await sourceFiles()).filter((path) => /^(server|agent|boot)\//.test(path));
  const source = (await Promise.all(product.map((path) => Deno.readTextFile(path)))).join("\n");
  const { markdown } = documents.find(({ path }) => path.endsWith("/troubleshooting.md")) ??
    assert.fail("no troubleshooting page");
  const messages = [...markdown.matchAll(/^\| (?:`([^`]+)`|[^|]*?"([^"]+)"[^|]*?) +\|/gm)].map((m) =>
    m[1] ?? m[2]
  );
  assert.ok(messages.length > 30, `${messages.length} messages`);
  assert.deepEqual(messages.filter((message) => message !== undefined && !source.includes(message)), []);
});

Deno.test("tasks and benches that the documentation names exist", async () => {
  const commands = documents.flatMap(({ scripts }) => scripts.flatMap(commandsOf));
  const tasks = commands.flatMap((line) => /(?:deno|deno@[\d.]+) task (\w+)/.exec(line)?.[1] ?? []);
  assert.deepEqual(tasks.filter((task) => !(task in settings.tasks)), []);
  const benches = commands.flatMap((line) => /deno task bench ([\w-]+)/.exec(line)?.[1] ?? []);
  const scriptOf = (name: string) => `scripts/bench/${name.replaceAll("-", "_")}.ts`;
  assert.deepEqual(benches.filter((name) => !files.includes(scriptOf(name))), []);
  const options = new Set(
    commands.filter((l) => l.includes("task bench")).flatMap((l) => l.match(/--\w+/g) ?? []),
  );
  const benchSources = await Promise.all(
    files.filter((path) => /^scripts\/bench\/\w+\.ts$/.test(path)).map((path) => Deno.readTextFile(path)),
  );
  const known = benchSources.join("\n");
  assert.deepEqual([...options].filter((o) => o !== "--help" && !known.includes(o)), []);
});

/** Links to the web are not followed. */
function leadsSomewhere({ path, anchors }: Document, href: string): boolean {
  if (/^https?:\/\//.test(href)) return true;
  const [file = "", anchor] = href.split("#");
  if (file === "") return anchors.includes(anchor ?? "");
  const target = join(dirname(path), file).replace(/\/$/, "");
  if (anchor === undefined) {
    return files.includes(target) || files.some((other) => other.startsWith(`${target}/`));
  }
  return documents.find((document) => document.path === target)?.anchors.includes(anchor) ?? false;
}
