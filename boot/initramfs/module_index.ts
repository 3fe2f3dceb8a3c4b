/** Parses the text files of depmod(8): which modules there are, what they need, and which devices they serve. Pure. */

/** `kernel/fs/ext4/ext4.ko.xz` → `ext4`. To the kernel, `-` and `_` are the same. */
export function moduleName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.ko(\.\w+)?$/, "").replaceAll("-", "_");
}

/** modules.dep: lines `MODULE: DEPENDENCY…`, with paths relative to the folder. */
export function parseDependencies(text: string): Map<string, string[]> {
  const dependencies = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const paths = [line.slice(0, colon), ...line.slice(colon + 1).split(" ").filter((path) => path !== "")];
    if (paths.some((path) => path.startsWith("/") || path.split("/").includes(".."))) continue;
    dependencies.set(paths[0] ?? "", paths.slice(1));
  }
  return dependencies;
}

/** modules.softdep: lines `softdep MODULE pre: NAME… post: NAME…`, modprobe.d(5). */
export function parseSoftDependencies(text: string): Map<string, string[]> {
  const dependencies = new Map<string, string[]>();
  for (const [, module = "", rest = ""] of text.matchAll(/^softdep (\S+) (.*)$/gm)) {
    const names = rest.split(/\s+/).filter((word) => word !== "" && !word.endsWith(":"));
    const key = module.replaceAll("-", "_");
    dependencies.set(key, [
      ...dependencies.get(key) ?? [],
      ...names.map((name) => name.replaceAll("-", "_")),
    ]);
  }
  return dependencies;
}

/** modules.alias: lines `alias PATTERN MODULE`. */
export class ModuleAliases {
  /** Names of modules by their plain aliases, with `_` for `-`. */
  readonly #plain = new Map<string, string[]>();
  /** Aliases with wildcards, by the text before the first one. */
  readonly #patterns = new Map<string, { readonly pattern: string; readonly module: string }[]>();

  constructor(text: string) {
    for (const [, alias = "", module = ""] of text.matchAll(/^alias (\S+) (\S+)$/gm)) {
      const name = module.replaceAll("-", "_");
      const wildcard = alias.search(/[*?[]/);
      if (wildcard < 0) add(this.#plain, { key: alias.replaceAll("-", "_"), value: name });
      else add(this.#patterns, { key: alias.slice(0, wildcard), value: { pattern: alias, module: name } });
    }
  }

  /** The modules that a program or another module requests by this name. */
  named(name: string): readonly string[] {
    return this.#plain.get(name.replaceAll("-", "_")) ?? [];
  }

  /** The modules for the device with this modalias: `pci:v00008086d00001533sv…`. */
  ofDevice(modalias: string): string[] {
    const found: string[] = [...this.named(modalias)];
    for (let length = modalias.length; length > 0; length--) {
      for (const { pattern, module } of this.#patterns.get(modalias.slice(0, length)) ?? []) {
        if (matchesAlias(modalias, pattern)) found.push(module);
      }
    }
    return [...new Set(found)];
  }
}

function add<T>(map: Map<string, T[]>, { key, value }: { key: string; value: T }): void {
  const known = map.get(key);
  if (known) known.push(value);
  else map.set(key, [value]);
}

/** fnmatch(3) without escapes, as modprobe uses it. Takes at most text × pattern steps, whatever the pattern. */
function matchesAlias(text: string, pattern: string): boolean {
  const tokens = pattern.match(/\[[^\]]+\]|./gs) ?? [];
  let [at, from] = [0, 0];
  let star: { readonly after: number; consumed: number } | undefined;
  while (at < text.length || from < tokens.length) {
    const token = tokens[from];
    if (token === "*") star = { after: ++from, consumed: at };
    else if (at < text.length && token !== undefined && matchesOne(text[at] ?? "", token)) {
      at++;
      from++;
    } else if (star && star.consumed < text.length) {
      at = ++star.consumed;
      from = star.after;
    } else return false;
  }
  return true;
}

/** `token`: a character, `?`, or a class like `[0-9A-F]`. */
function matchesOne(character: string, token: string): boolean {
  if (token === "?") return true;
  if (token.length === 1) return token === character;
  const inside = token.slice(1, -1);
  const isNegated = inside.startsWith("!");
  const ranges = (isNegated ? inside.slice(1) : inside).matchAll(/(.)-(.)|(.)/gs);
  const isInside = [...ranges].some(([, first, last, single]) =>
    single === undefined ? character >= (first ?? "") && character <= (last ?? "") : character === single
  );
  return isInside !== isNegated;
}
