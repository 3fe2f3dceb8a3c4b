/**
 * The message table: every text of the desk in its three languages, side by side. Each page has a part of the table in
 * its own messages.ts; the compiler refuses a message without one of the languages, and a test compares the parameters.
 */
import { type Language, language } from "./language.ts";

/** `{name}` stands for a parameter. By number: the form for `n` (CLDR plural rules of the language). */
type Text = string | { readonly one: string; readonly other: string };
/** Chinese has one form for all numbers. */
export type Message = Readonly<Record<Language, Text>>;
type Table = Readonly<Record<string, Message>>;
type Parameters = Readonly<Record<string, string | number>>;

/** All parts of the table, for the test. */
export const TABLES: Table[] = [];

/** Returns the function that gives a message of this part in the reader's language. */
export function messages<T extends Table>(table: T): (key: keyof T, parameters?: Parameters) => string {
  TABLES.push(table);
  return (key, parameters = {}) => textOf(table[key] as Message, { parameters, language });
}

const plurals = new Map<Language, Intl.PluralRules>();

export function textOf(
  message: Message,
  { parameters, language }: { parameters: Parameters; language: Language },
): string {
  const text = message[language];
  const form = typeof text === "string" ? text : text[pluralForm(Number(parameters.n), language)];
  return form.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name];
    return typeof value === "number" ? value.toLocaleString(language) : value ?? "";
  });
}

function pluralForm(n: number, language: Language): "one" | "other" {
  const rules = plurals.get(language) ?? new Intl.PluralRules(language);
  plurals.set(language, rules);
  return rules.select(n) === "one" ? "one" : "other";
}
