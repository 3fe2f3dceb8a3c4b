/** Keyboard shortcuts: single keys, which do nothing while the reader types. */
import { useEffect, useRef } from "preact/hooks";

interface Shortcut {
  readonly key: string;
  /** For the list of shortcuts. */
  readonly text: string;
  readonly run: () => void;
}

/** Those of the pages and parts that are shown now. */
const active = new Set<() => readonly Shortcut[]>();

export function shortcuts(): Shortcut[] {
  return [...active].flatMap((list) => list());
}

/** The shortcuts exist while the part is shown. A key acts on what was drawn last, also if keys come fast. */
export function useShortcuts(list: readonly Shortcut[]): void {
  const latest = useRef(list);
  latest.current = list;
  useEffect(() => {
    const current = () => latest.current;
    active.add(current);
    return () => void active.delete(current);
  }, []);
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
