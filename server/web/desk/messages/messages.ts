/**
 * The message table: every text of the desk in its three languages, side by side. Each page has a part of the table in
 * its own messages.ts; the compiler refuses a message without one of the languages, and a test compares the parameters.
 */
import { language } from "./language.ts";
import { type Message, type Parameters, textOf } from "./text_of.ts";

type Table = Readonly<Record<string, Message>>;

/** All parts of the table, for the test. */
export const TABLES: Table[] = [];

/** Returns the function that gives a message of this part in the reader's language. */
export function messages<T extends Table>(table: T): (key: keyof T, parameters?: Parameters) => string {
  TABLES.push(table);
  return (key, parameters = {}) => textOf(table[key] as Message, { parameters, language });
}
