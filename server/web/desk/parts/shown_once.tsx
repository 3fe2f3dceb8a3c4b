/** A secret that the server shows this once, to be copied. */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../messages/common.ts";

/** `rows`: of a text with lines. */
export function ShownOnce({ label, text, rows }: { label: string; text: string; rows?: number }) {
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => field.current?.select(), []);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
  };
  return (
    <div class="shown-once">
      <label class="field">
        {label}
        {rows === undefined
          ? <input ref={field} readOnly value={text} />
          : <textarea ref={field} readOnly rows={rows} spellcheck={false} value={text} />}
      </label>
      <button type="button" onClick={() => void copy()} aria-live="polite">
        {isCopied ? t("copied") : t("copy")}
      </button>
    </div>
  );
}
