/** Numbers from a bench's command line: what is no number is refused before anything is measured. */

/** A number above 0 ("200", "0.5"), of the option `--name`. Throws RangeError with the remedy. */
export function parseNumber(name: string, text: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (number > 0 && Number.isSafeInteger(Math.ceil(number))) return number;
  throw new RangeError(
    `--${name} ${text}: not a number above 0. Remedy: give a plain number; the unit stands in --help.`,
  );
}

/** The same, or the bench ends with exit code 2. */
export function numberOption(name: string, text: string): number {
  return orExit(() => parseNumber(name, text));
}

/** Several with commas between them: "1,4,8". */
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
