/** rsync's exit codes (errcode.h), as far as they are given here. */
export const EXIT = { syntax: 1, unsupported: 4 } as const;

/** What the client asked for is not served; it is told why and ends with this exit code. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What a client said, fit for its own terminal and our log. */
export function quoted(text: string): string {
  return `"${text.slice(0, 100).replace(/[^\x20-\x7e]/g, "?")}"`;
}
