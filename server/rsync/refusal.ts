/** The exit codes (rsync's errcode.h) that we send. */
export const EXIT = { syntax: 1, unsupported: 4 } as const;

/** The client's request is refused. The client prints the message and exits with this code. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A client's text, made safe for its own terminal and for our log. */
export function quoted(text: string): string {
  return `"${text.slice(0, 100).replace(/[^\x20-\x7e]/g, "?")}"`;
}
