/** ifupdown's interfaces(5), as far as a template's addresses must be found in it and put out of force. */

interface Stanza {
  readonly lines: readonly string[];
  /** First word of the line that begins it: auto, iface, allow-hotplug, source …; "" for what comes before. */
  readonly keyword: string;
  readonly words: readonly string[];
}

/** Names of NICs that the file configures, in its order. */
export function interfaceNames(text: string): string[] {
  const names = stanzasOf(text).filter((s) => s.keyword === "iface").map((s) => s.words[0] ?? "");
  return [...new Set(names)].filter((name) => name !== "lo" && /^[a-z][\w.-]*$/i.test(name));
}

/**
 * The file with every static address commented out, and all that concerns `name`; bridges and other NICs
 * without an address of their own stay as they are.
 */
export function clearInterfaces(text: string, name: string): string {
  const stanzas = stanzasOf(text);
  const isOut = ({ keyword, words }: Stanza) =>
    keyword === "iface" && words[0] !== "lo" && (words[0] === name || words[2] === "static");
  const out = new Set(stanzas.filter(isOut).map((s) => s.words[0]));
  out.add(name);
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

function stanzasOf(text: string): Stanza[] {
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
