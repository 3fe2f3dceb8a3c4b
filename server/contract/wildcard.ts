/**
 * Whether a name matches a shell pattern of `*`, `?` and `\x` (x itself). `[` is no class here but stands for
 * itself. Linear in name × pattern, whatever the pattern is.
 */
export function matchesWildcard(name: string, pattern: string): boolean {
  let [at, from] = [0, 0];
  /** Where the last star stands, and which part of the name it may swallow so far. */
  let star: { readonly after: number; swallowed: number } | undefined;
  while (at < name.length || from < pattern.length) {
    const escaped = pattern[from] === "\\" && from + 1 < pattern.length;
    const wanted = pattern[escaped ? from + 1 : from];
    if (wanted === "*" && !escaped) {
      star = { after: ++from, swallowed: at };
    } else if (at < name.length && (wanted === name[at] || (wanted === "?" && !escaped))) {
      at++;
      from += escaped ? 2 : 1;
    } else if (star && star.swallowed < name.length) {
      at = ++star.swallowed;
      from = star.after;
    } else return false;
  }
  return true;
}

export function hasWildcard(pattern: string): boolean {
  return /[*?]/.test(pattern.replace(/\\./g, ""));
}

export function withoutEscapes(pattern: string): string {
  return pattern.replace(/\\(.)/g, "$1");
}
