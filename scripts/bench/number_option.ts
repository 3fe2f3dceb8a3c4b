/** Numbers on a bench's command line. Anything else is refused before the bench starts. */

/** Whole numbers between these two, each of which is allowed. */
interface Range {
  readonly least: number;
  readonly most: number;
}

/**
 * Parses a number above 0 ("200", "0.5") for the option `--name`, or with a range a whole number in it. Throws a
 * RangeError with a remedy.
 */
export function parseNumber(name: string, text: string, range?: Range): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  const fits = range
    ? Number.isInteger(number) && number >= range.least && number <= range.most
    : number > 0 && Number.isSafeInteger(Math.ceil(number));
  if (fits) return number;
  const wanted = range ? `a whole number from ${range.least} to ${range.most}` : "a number above 0";
  throw new RangeError(
    `--${name} ${text}: not ${wanted}. Remedy: give a plain number, without a unit; see --help.`,
  );
}

/** The same, but ends the bench with exit code 2 on an error. */
export function numberOption(name: string, text: string, range?: Range): number {
  return orExit(() => parseNumber(name, text, range));
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
