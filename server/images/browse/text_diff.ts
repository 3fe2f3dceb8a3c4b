/** Two texts, line by line. */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";

/** How long texts are compared: two of 256 KiB that have nothing in common would take seconds. */
const MAX_MS = 100;
const CONTEXT_LINES = 3;

interface Side {
  /** "/etc/motd of web@1" */
  readonly name: string;
  /** Undefined: there is no such file. */
  readonly text: string | undefined;
}

/** Unified. `isWhole`: they are too different, so that all of the one is removed and all of the other is added. */
export function textDiff(old: Side, now: Side): { readonly diff: string; readonly isWhole: boolean } {
  if (old.text === now.text) return { diff: "", isWhole: false };
  const patch = createTwoFilesPatch(
    old.name,
    now.name,
    old.text ?? "",
    now.text ?? "",
    undefined,
    undefined,
    {
      context: CONTEXT_LINES,
      timeout: MAX_MS,
      headerOptions: FILE_HEADERS_ONLY,
    },
  );
  if (patch !== undefined) return { diff: patch, isWhole: false };
  const olds = linesOf(old.text ?? ""), news = linesOf(now.text ?? "");
  const diff = [
    `--- ${old.name}`,
    `+++ ${now.name}`,
    `@@ -${rangeOf(olds)} +${rangeOf(news)} @@`,
    ...signed("-", olds, old.text ?? ""),
    ...signed("+", news, now.text ?? ""),
  ].join("\n");
  return { diff: `${diff}\n`, isWhole: true };
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function rangeOf({ length }: readonly string[]): string {
  return `${length === 0 ? 0 : 1},${length}`;
}

function signed(sign: string, lines: readonly string[], text: string): string[] {
  const end = text === "" || text.endsWith("\n") ? [] : ["\\ No newline at end of file"];
  return [...lines.map((line) => sign + line), ...end];
}
