/** The way to the login once the session is over: at once, or when what is shown only once has been read. */
import { useEffect } from "preact/hooks";

let holds = 0, isDue = false;

/** Loads the page again, which shows the login. */
export function logInAgain(): void {
  if (holds > 0) isDue = true;
  else location.reload();
}

/** While `work` exchanges the session, the end of the old one does not load the page again. */
export async function whileSessionChanges(work: () => Promise<void>): Promise<void> {
  holds++;
  try {
    await work();
    isDue = false;
  } finally {
    if (--holds === 0 && isDue) location.reload();
  }
}

/** While `isOn`, the page does not load again, so that nobody loses a secret that only this page has. */
export function useHold(isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return;
    holds++;
    return () => {
      if (--holds === 0 && isDue) location.reload();
    };
  }, [isOn]);
}
