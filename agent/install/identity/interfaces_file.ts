/** Parses the stanzas of ifupdown's interfaces(5) and disables those of the template. */

export interface Stanza {
  readonly lines: readonly string[];
  /** First word of its first line: auto, iface, allow-hotplug, source …; "" for the lines before the first stanza. */
  readonly keyword: string;
  readonly words: readonly string[];
}

/**
 * Comments out every static address, every bond and VLAN, and everything about `names`. Bridges and other NICs without
 * an address of their own stay as they are.
 */
export function clearInterfaces(text: string, names: readonly string[]): string {
  const stanzas = stanzasOf(text);
  const isOut = ({ keyword, words, lines }: Stanza) =>
    keyword === "iface" && words[0] !== "lo" &&
    (names.includes(words[0] ?? "") || words[2] === "static" ||
      lines.some((line) => /^\s*(bond[-_]|slaves\s|vlan[-_])/.test(line)));
  const out = new Set([...names, ...stanzas.filter(isOut).map((s) => s.words[0])]);
  const lines = stanzas.flatMap((stanza) => {
    const { keyword, words, lines } = stanza;
    const comment = () => lines.map((l) => l.trim() === "" || l.startsWith("#") ? l : `# template: ${l}`);
    if (isOut(stanza)) return comment();
    if (keyword !== "auto" && !keyword.startsWith("allow-")) return lines;
    const kept = words.filter((w) => !out.has(w));
    if (kept.length === words.length) return lines;
    return kept.length === 0 ? comment() : [`${keyword} ${kept.join(" ")}`, ...lines.slice(1)];
  });
  return `${lines.join("\n").replace(/\n+$/, "")}\n`;
}

export function stanzasOf(text: string): Stanza[] {
  const stanzas: (Stanza & { lines: string[] })[] = [{ lines: [], keyword: "", words: [] }];
  for (const line of text.split("\n")) {
    const [keyword = "", ...words] = line.trim().split(/\s+/);
    if (
      /^(iface|mapping|auto|allow-\S+|no-auto-down|no-scripts|source|source-directory|rename|template)$/.test(
        keyword,
      )
    ) {
      stanzas.push({ lines: [line], keyword, words });
    } else stanzas.at(-1)?.lines.push(line);
  }
  return stanzas;
}
