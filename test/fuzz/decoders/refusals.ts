import { z } from "zod";

type ErrorClass = abstract new (...args: never[]) => Error;

/** The decoder turns garbage down by errors of these classes, and no others. */
export function refusesBy(...classes: ErrorClass[]): (error: unknown) => boolean {
  return (error) => classes.some((one) => error instanceof one);
}

/** What `JSON.parse` and a schema say of garbage. */
export const refusesAsJson = refusesBy(SyntaxError, z.ZodError, RangeError);

/** Errors of the plain class with a message of the decoder's own: a TypeError would be a fault. */
export function refusesInWords(error: unknown): boolean {
  return error instanceof Error && error.constructor === Error;
}
