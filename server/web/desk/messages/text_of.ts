/** A text in each of the languages. */
import type { Language } from "./languages.ts";

/** `{name}` stands for a parameter. By number: the form for `n` (CLDR plural rules of the language). */
type Text = string | { readonly one: string; readonly other: string };
/** Chinese has one form for all numbers. */
export type Message = Readonly<Record<Language, Text>>;
export type Parameters = Readonly<Record<string, string | number>>;

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
