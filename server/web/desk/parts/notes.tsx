/** Short notes of what was done, shown for some seconds and read out by screen readers. */
import { signal } from "@preact/signals";

const SHOWN_MS = 8000;

interface Note {
  readonly id: number;
  readonly text: string;
  readonly isProblem: boolean;
}

const notes = signal<readonly Note[]>([]);
let lastId = 0;

export function note(text: string, { isProblem = false }: { isProblem?: boolean } = {}): void {
  const id = ++lastId;
  notes.value = [...notes.value, { id, text, isProblem }].slice(-4);
  setTimeout(() => notes.value = notes.value.filter((other) => other.id !== id), SHOWN_MS);
}

export function Notes() {
  return (
    <div class="notes" role="status" aria-live="polite">
      {notes.value.map(({ id, text, isProblem }) => (
        <p key={id} class={isProblem ? "bad" : undefined}>{text}</p>
      ))}
    </div>
  );
}
