/** The command that does, or shows, what is on the screen. */
import { useState } from "preact/hooks";
import { t } from "../messages/common.ts";

/** Quotes arguments for a POSIX shell. */
export function commandLine(...words: readonly string[]): string {
  return words.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
    .join(" ");
}

export function Command({ line }: { line: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(line);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), 2000);
  };
  return (
    <div class="command">
      <span class="hidden">{t("command")}</span>
      {/* broken between words only, not after the hyphens of options */}
      <code>{line.split(" ").flatMap((word, i) => [i > 0 && " ", <span key={i}>{word}</span>])}</code>
      <button type="button" onClick={() => void copy()} aria-live="polite">
        {isCopied ? t("copied") : t("copy")}
      </button>
    </div>
  );
}
