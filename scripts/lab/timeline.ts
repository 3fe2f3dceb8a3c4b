/** Records when things happened, for the summary, and logs them. */

export interface Milestone {
  readonly what: string;
  /** Milliseconds from the start of the lab to the end of this. */
  readonly atMs: number;
  readonly tookMs: number;
}

export class Timeline {
  readonly milestones: Milestone[] = [];
  readonly #started = performance.now();
  readonly #log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Runs `task` and records how long it took. */
  async measure<T>(what: string, task: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    const result = await task();
    this.add(what, performance.now() - begun);
    return result;
  }

  /** Records what has just ended. */
  add(what: string, tookMs: number): void {
    const milestone = { what, atMs: performance.now() - this.#started, tookMs };
    this.milestones.push(milestone);
    this.#log(`[${seconds(milestone.atMs)}] ${what} (${seconds(tookMs).trim()})`);
  }

  note(line: string): void {
    this.#log(`[${seconds(performance.now() - this.#started)}] ${line}`);
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}
