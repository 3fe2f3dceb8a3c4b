/** The language of the reader: what they chose, else the browser's first one that the desk speaks, else English. */

export const LANGUAGES = { en: "English", de: "Deutsch", zh: "简体中文" } as const;
export type Language = keyof typeof LANGUAGES;

const CHOICE = "rackseed.language";

export function languageOf(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const primary = tag.toLowerCase().split("-")[0] ?? "";
    if (primary in LANGUAGES) return primary as Language;
  }
  return "en";
}

export const language: Language = languageOf([
  globalThis.localStorage?.getItem(CHOICE) ?? "",
  ...(globalThis.navigator?.languages ?? []),
]);

/** The page loads again, in that language. */
export function chooseLanguage(chosen: Language): void {
  localStorage.setItem(CHOICE, chosen);
  location.reload();
}
