/** Keyboard shortcuts: single keys, which do nothing while the reader types. */
import { useEffect } from "preact/hooks";

interface Shortcut {
  readonly key: string;
  /** For the list of shortcuts. */
  readonly text: string;
  readonly run: () => void;
}

/** Those of the pages and parts that are shown now. */
const active = new Set<readonly Shortcut[]>();

export function shortcuts(): Shortcut[] {
  return [...active].flat();
}

/** The shortcuts exist while the part is shown. `on`: as of useEffect. */
export function useShortcuts(list: readonly Shortcut[], on: readonly unknown[]): void {
  useEffect(() => {
    active.add(list);
    return () => void active.delete(list);
  }, [...on]);
}

export function listenForKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target } = event;
    const isTyping = target instanceof HTMLElement &&
      target.closest("input, textarea, select, dialog") !== null;
    if (isTyping) return;
    const shortcut = shortcuts().findLast(({ key }) => key === event.key);
    if (!shortcut) return;
    event.preventDefault();
    shortcut.run();
  });
}
