/** Long work in short turns, so that the server answers others meanwhile. */

const TURN_MS = 10;

/** Leaves a third of the thread's time to others. Call it often; it mostly returns at once. */
export class Turns {
  #started = performance.now();

  /** Undefined if the turn is not over yet. */
  rest(): Promise<void> | undefined {
    const worked = performance.now() - this.#started;
    if (worked < TURN_MS) return undefined;
    return new Promise((resolve) =>
      setTimeout(() => {
        this.#started = performance.now();
        resolve();
      }, worked / 2)
    );
  }
}
