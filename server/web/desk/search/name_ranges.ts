/** Many names in an address or a command line, written as ranges: "n[1-500],gpu1". */
import { expandNames } from "../../../words/node_names.ts";

/** @example `rangesOf(["n1", "n2", "n3", "gpu"])` is `["n[1-3]", "gpu"]`. Order is kept but for numbers of one range. */
export function rangesOf(names: readonly string[]): string[] {
  const series = new Map<string, { before: string; after: string; numbers: string[] }>();
  const result = new Map<string, () => string>();
  for (const name of names) {
    const match = /^(.*?)(\d{1,9})(\D*)$/.exec(name);
    if (!match) {
      result.set(`name ${name}`, () => name);
      continue;
    }
    const [, before = "", number = "", after = ""] = match;
    // zero-padded numbers of one width are one series
    const width = number.startsWith("0") ? number.length : 0;
    const key = `series ${before}\0${after}\0${width}`;
    const found = series.get(key) ?? { before, after, numbers: [] };
    series.set(key, found);
    found.numbers.push(number);
    result.set(key, () => seriesText(found));
  }
  return [...result.values()].map((text) => text());
}

function seriesText(
  { before, after, numbers }: { before: string; after: string; numbers: string[] },
): string {
  const ordered = [...new Set(numbers)].sort((a, b) => Number(a) - Number(b));
  if (ordered.length === 1) return `${before}${ordered[0]}${after}`;
  const runs: [first: string, last: string][] = [];
  for (const number of ordered) {
    const run = runs.at(-1);
    if (run && Number(number) === Number(run[1]) + 1) run[1] = number;
    else runs.push([number, number]);
  }
  const text = runs.map(([first, last]) => first === last ? first : `${first}-${last}`).join(",");
  return `${before}[${text}]${after}`;
}

/** The names in "n[1-3],gpu". Throws UsageError. */
export function namesIn(text: string): string[] {
  const patterns = text.match(/(?:\[[^\]]*\]|[^,[\]])+/g) ?? [];
  return [...new Set(patterns.flatMap((pattern) => expandNames(pattern)))];
}
