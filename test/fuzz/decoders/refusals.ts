import { z } from "zod";

type ErrorClass = abstract new (...args: never[]) => Error;

/** The decoder rejects garbage with errors of these classes, and no others. */
export function refusesBy(...classes: ErrorClass[]): (error: unknown) => boolean {
  return (error) => classes.some((one) => error instanceof one);
}

/** The errors of `JSON.parse` and of a schema. */
export const refusesAsJson = refusesBy(SyntaxError, z.ZodError, RangeError);

/** Plain Errors with the decoder's own message; a TypeError would be a fault. */
export function refusesInWords(error: unknown): boolean {
  return error instanceof Error && error.constructor === Error;
}
