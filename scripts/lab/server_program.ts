import type { Transcript } from "./transcript.ts";

/** How the server's program runs. */
export interface ServerProgram extends AsyncDisposable {
  /** The path of the program, with which operators also give their commands. */
  readonly program: string;
  /** The data directory. */
  readonly data: string;
  readonly output: Transcript;
}
