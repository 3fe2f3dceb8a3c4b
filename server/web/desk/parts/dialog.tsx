/** A modal dialog with a form: sends, shows a refusal in place, and closes after success. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Problem } from "#contract/errors.ts";
import { t } from "../messages/common.ts";
import { problemOf, ProblemText } from "./problem.tsx";

interface Props {
  readonly title: string;
  /** Called once the dialog is closed, by whatever way. */
  readonly onClose: () => void;
  /** The button that sends; absent: the dialog only shows something. */
  readonly action?: string;
  /** It destroys something. */
  readonly isDangerous?: boolean;
  readonly isDisabled?: boolean;
  readonly isWide?: boolean;
  /** The dialog closes when it resolves. A Refusal is shown. */
  readonly onSubmit?: (form: FormData) => Promise<void> | void;
  readonly children: ComponentChildren;
}

export function Dialog(
  { title, onClose, action, isDangerous = false, isDisabled = false, isWide = false, onSubmit, children }:
    Props,
) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setIsSending] = useState(false);
  useEffect(() => {
    element.current?.showModal();
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setProblem(undefined);
    setIsSending(true);
    try {
      await onSubmit?.(new FormData(event.target as HTMLFormElement));
      element.current?.close();
    } catch (error) {
      setProblem(problemOf(error));
      setIsSending(false);
    }
  };
  return (
    <dialog ref={element} aria-labelledby={titleId} class={isWide ? "wide" : undefined} onClose={onClose}>
      <form
        onSubmit={(event) =>
          void submit(event)}
      >
        <h2 id={titleId}>{title}</h2>
        {children}
        {problem && (
          <div role="alert">
            <ProblemText problem={problem} />
          </div>
        )}
        <div class="actions">
          <button
            type="button"
            onClick={() =>
              element.current?.close()}
          >
            {action === undefined ? t("close") : t("cancel")}
          </button>
          {action !== undefined && (
            <button
              type="submit"
              class={isDangerous ? "danger" : "primary"}
              disabled={isDisabled || isSending}
            >
              {action}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}
