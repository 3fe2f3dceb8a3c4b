/** The project's own files, their imports and exports, for the tests that check its structure. */
import { dirname, join, relative } from "node:path/posix";
import settings from "../../deno.json" with { type: "json" };

/** Every file that is committed or would be: git's list, without ignored files. */
export async function projectFiles(): Promise<string[]> {
  const { stdout } = await new Deno.Command("git", { args: ["ls-files", "-co", "--exclude-standard"] })
    .output();
  const paths = new TextDecoder().decode(stdout).trim().split("\n");
  // A deleted file stays listed until the deletion is committed.
  const there = await Promise.all(paths.map((path) => Deno.lstat(path).then(() => true, () => false)));
  return paths.filter((_, i) => there[i]);
}

export async function sourceFiles(): Promise<string[]> {
  return (await projectFiles()).filter((path) => /\.tsx?$/.test(path));
}

/** Folders of build output, which hold no source. */
const BUILT = /^(\.cache|dist)(\/|$)/;
const ALIASES = Object.entries(settings.imports).filter(([name]) => name.startsWith("#"));

/** The project's file that `specifier` names in the file `from`. */
function resolveImport(from: string, specifier: string): string {
  const alias = ALIASES.find(([name]) => specifier.startsWith(name));
  const target = alias ? join(alias[1], specifier.slice(alias[0].length)) : join(dirname(from), specifier);
  return relative(".", target);
}

/** The project's files that a file imports or starts as a worker. Examples in comments do not count. */
export function importsOf(path: string, text: string): string[] {
  const specifiers = codeOf(text).matchAll(/(?:from|import|new URL)\s*\(?\s*"((?:\.{1,2}|#\w+)\/[^"]+)"/g);
  return [...specifiers].map(([, specifier = ""]) => resolveImport(path, specifier))
    .filter((target) => !BUILT.test(target) && target !== "deno.json");
}

export interface Export {
  readonly path: string;
  readonly name: string;
  /** Files that import it by name. */
  readonly users: readonly string[];
  /** Whether its own file uses it too. */
  readonly isUsedInside: boolean;
}

/** What files export by name. Files that are loaded whole (`await import`, workers) are left out. */
export async function projectExports(): Promise<Export[]> {
  const texts = new Map<string, string>();
  for (const path of await sourceFiles()) texts.set(path, codeOf(await Deno.readTextFile(path)));
  const users = new Map<string, string[]>();
  const whole = new Set<string>();
  for (const [path, text] of texts) {
    for (const [, names = "", from = ""] of text.matchAll(NAMED)) {
      for (const name of names.split(",").map((n) => n.trim().replace(/^type /, "").split(" ")[0] ?? "")) {
        const key = `${resolveImport(path, from)}#${name}`;
        users.set(key, [...users.get(key) ?? [], path]);
      }
    }
    for (const [, from = ""] of text.matchAll(WHOLE)) whole.add(resolveImport(path, from));
  }
  return [...texts].filter(([path]) => !whole.has(path)).flatMap(([path, text]) =>
    [...text.matchAll(DECLARATION)].map(([, name = ""]) => ({
      path,
      name,
      users: users.get(`${path}#${name}`) ?? [],
      isUsedInside: count(text, new RegExp(`\\b${name}\\b`, "g")) > count(text, declarationOf(name)),
    }))
  );
}

const DECLARED = "^export (?:async )?(?:function\\*?|const|let|class|abstract class|interface|type|enum)";
const DECLARATION = new RegExp(`${DECLARED} (\\w+)`, "gm");
const NAMED = /(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from\s+"([.#][^"]+)"/g;
const WHOLE = /(?:import\s+\*\s+as\s+\w+\s+from\s+|export \* from |import\()"([.#][^"]+)"/g;

/** The text without its docstrings. */
function codeOf(text: string): string {
  return text.replaceAll(/^\s*\/\*\*.*?\*\/$/gms, "");
}

function declarationOf(name: string): RegExp {
  return new RegExp(`${DECLARED} ${name}\\b`, "gm");
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
