/** The project's Markdown, taken apart for the tests that keep it true. */
import { Marked, type Token, type Tokens } from "marked";
import { anchorOf } from "../../../server/web/help/render.ts";
import { projectFiles } from "../../support/source_files.ts";

interface Link {
  readonly kind: "link" | "image";
  readonly href: string;
}

export interface Document {
  /** In the repository. */
  readonly path: string;
  readonly markdown: string;
  readonly links: readonly Link[];
  /** Of its headings. */
  readonly anchors: readonly string[];
  /** Fenced blocks that are marked as `sh`. */
  readonly scripts: readonly string[];
  /** What is written as code within text. */
  readonly codes: readonly string[];
}

export async function readDocuments(): Promise<Document[]> {
  const paths = (await projectFiles()).filter((path) => path.endsWith(".md"));
  return await Promise.all(paths.map(async (path) => parse(path, await Deno.readTextFile(path))));
}

function parse(path: string, markdown: string): Document {
  const marked = new Marked();
  const links: Link[] = [], anchors: string[] = [], scripts: string[] = [], codes: string[] = [];
  const used = new Map<string, number>();
  const visit = (token: Token) => {
    if (token.type === "link" || token.type === "image") links.push({ kind: token.type, href: token.href });
    if (token.type === "heading") anchors.push(anchorOf((token as Tokens.Heading).text, used));
    if (token.type === "code" && token.lang === "sh") scripts.push(token.text);
    if (token.type === "codespan") codes.push(token.text);
  };
  marked.walkTokens(marked.lexer(markdown), visit);
  return { path, markdown, links, anchors, scripts, codes };
}

/** The commands of a script, without comments; a line that ends in a backslash goes on in the next. */
export function commandsOf(script: string): string[] {
  return script.replaceAll(/\\\n\s*/g, " ").split("\n")
    .map((line) => line.replace(/(^|\s+)#.*$/, "").trim())
    .filter((line) => line !== "");
}
