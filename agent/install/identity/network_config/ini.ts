/** Reads and writes sections of `key=value` lines, as in systemd.syntax(7) and NetworkManager's keyfiles. */

export interface Section {
  readonly name: string;
  readonly entries: readonly (readonly [key: string, value: string])[];
}

/** Sections in order; repeated ones are not merged. Comments and malformed lines are dropped. */
export function parseIni(text: string): Section[] {
  const sections: (Section & { entries: [string, string][] })[] = [];
  for (const line of text.replaceAll("\\\n", " ").split("\n")) {
    // no regular expression: it would take quadratic time on a hostile line
    const words = line.trim(), equals = words.indexOf("=");
    if (words.startsWith("[") && words.endsWith("]")) {
      sections.push({ name: words.slice(1, -1), entries: [] });
    } else if (equals > 0 && !/^[#;]/.test(words)) {
      sections.at(-1)?.entries.push([words.slice(0, equals).trimEnd(), words.slice(equals + 1).trimStart()]);
    }
  }
  return sections;
}

/** Every value of the key in sections of that name; an empty value discards those before it (systemd.syntax(7)). */
export function valuesOf(sections: readonly Section[], name: string, key: string): string[] {
  const values = sections.filter((s) => s.name === name).flatMap(({ entries }) =>
    entries.filter(([k]) => k === key).map(([, value]) => value)
  );
  return values.slice(values.lastIndexOf("") + 1);
}

export function valueOf(sections: readonly Section[], name: string, key: string): string | undefined {
  return valuesOf(sections, name, key).at(-1);
}

/** Sections as text, without empty ones. */
export function formatIni(sections: readonly (readonly [name: string, lines: readonly string[]])[]): string {
  return sections.filter(([, lines]) => lines.length > 0)
    .map(([name, lines]) => `[${name}]\n${lines.map((line) => `${line}\n`).join("")}`).join("\n");
}
