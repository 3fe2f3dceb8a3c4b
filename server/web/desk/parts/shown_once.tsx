/** A secret that the server shows this once, to be copied. */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../messages/common.ts";

export function ShownOnce({ label, text }: { label: string; text: string }) {
  const field = useRef<HTMLInputElement>(null);
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
        <input ref={field} readOnly value={text} />
      </label>
      <button type="button" onClick={() => void copy()} aria-live="polite">
        {isCopied ? t("copied") : t("copy")}
      </button>
    </div>
  );
}
