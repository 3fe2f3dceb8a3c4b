/**
 * Whether a name matches a shell pattern of `*`, `?` and `\x` (x itself). `[` is an ordinary character. Takes at most
 * name × pattern steps, whatever the pattern.
 */
export function matchesWildcard(name: string, pattern: string): boolean {
  let [at, from] = [0, 0];
  /** The last star: what follows it in the pattern, and how far it has consumed the name. */
  let star: { readonly after: number; consumed: number } | undefined;
  while (at < name.length || from < pattern.length) {
    const escaped = pattern[from] === "\\" && from + 1 < pattern.length;
    const wanted = pattern[escaped ? from + 1 : from];
    if (wanted === "*" && !escaped) {
      star = { after: ++from, consumed: at };
    } else if (at < name.length && (wanted === name[at] || (wanted === "?" && !escaped))) {
      at++;
      from += escaped ? 2 : 1;
    } else if (star && star.consumed < name.length) {
      at = ++star.consumed;
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
