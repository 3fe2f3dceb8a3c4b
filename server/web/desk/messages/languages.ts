/** The languages of the pages. */
export const LANGUAGES = { en: "English", de: "Deutsch", zh: "简体中文" } as const;
export type Language = keyof typeof LANGUAGES;

/** The first of the wanted tags ("de-AT") that the pages speak, else English. */
export function languageOf(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const primary = tag.toLowerCase().split("-")[0] ?? "";
    if (primary in LANGUAGES) return primary as Language;
  }
  return "en";
}
