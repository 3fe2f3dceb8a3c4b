/** A console question that falls back to its default after a time limit. Pure: time and bytes come in. */

export type Answer =
  /** "" if the person accepts the default. */
  | { readonly by: "person"; readonly text: string }
  | { readonly by: "time" };

/** Longer than any host name. */
const MAX_TYPED = 255;

export class Question {
  readonly #text: string;
  readonly #limitMs: number;
  #endMs: number;
  #typed = "";
  /** What was typed after the answering Enter, for the next question. */
  rest = "";

  /** `text`: "name [n1]" */
  constructor(text: string, { limitMs, nowMs }: { limitMs: number; nowMs: number }) {
    this.#text = text;
    this.#limitMs = limitMs;
    this.#endMs = nowMs + limitMs;
  }

  /** What the console shows: "name [n1] (57 s): db". */
  line(nowMs: number): string {
    return `${this.#text} (${Math.max(0, Math.ceil((this.#endMs - nowMs) / 1000))} s): ${this.#typed}`;
  }

  /** Typing restarts the time limit. Escape sequences that a terminal sends (ECMA-48 §5.4) are dropped. */
  type(typed: string, nowMs: number): Answer | undefined {
    this.#endMs = nowMs + this.#limitMs;
    const text = typed.replace(ESCAPES, "");
    for (let i = 0; i < text.length; i++) {
      const character = text[i] as string, code = character.charCodeAt(0);
      if (code === CR || code === LF) {
        this.rest = text.slice(i + 1);
        return { by: "person", text: this.#typed.trim() };
      }
      if (code === DEL || code === BS) this.#typed = this.#typed.slice(0, -1);
      else if (code === CTRL_U) this.#typed = "";
      else if (code >= 0x20 && code < DEL && this.#typed.length < MAX_TYPED) this.#typed += character;
    }
    return undefined;
  }

  tick(nowMs: number): Answer | undefined {
    return nowMs >= this.#endMs ? { by: "time" } : undefined;
  }
}

const BS = 8, LF = 10, CR = 13, CTRL_U = 21, DEL = 127;
// deno-lint-ignore no-control-regex
const ESCAPES = /\x1b(\[[0-9;?]*[ -/]*[@-~]|O.|.)?/g;
