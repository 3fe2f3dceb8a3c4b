/** Numbers on a bench's command line. Anything else is refused before the bench starts. */

/** Parses a number above 0 ("200", "0.5") for the option `--name`. Throws a RangeError with a remedy. */
export function parseNumber(name: string, text: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (number > 0 && Number.isSafeInteger(Math.ceil(number))) return number;
  throw new RangeError(
    `--${name} ${text}: not a number above 0. Remedy: give a plain number, without a unit; see --help.`,
  );
}

/** The same, but ends the bench with exit code 2 on an error. */
export function numberOption(name: string, text: string): number {
  return orExit(() => parseNumber(name, text));
}

/** Several numbers, separated by commas: "1,4,8". */
export function numbersOption(name: string, text: string): number[] {
  return orExit(() => text.split(",").map((part) => parseNumber(name, part)));
}

function orExit<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    console.error(`error: ${error.message}`);
    Deno.exit(2);
  }
}
