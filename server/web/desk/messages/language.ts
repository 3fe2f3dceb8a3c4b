/** The language of the reader: what they chose, else the browser's first one that the desk speaks, else English. */
import { type Language, languageOf } from "./languages.ts";

const CHOICE = "rackseed.language";

export const language: Language = languageOf([
  globalThis.localStorage?.getItem(CHOICE) ?? "",
  ...(globalThis.navigator?.languages ?? []),
]);

/** The page loads again, in that language. */
export function chooseLanguage(chosen: Language): void {
  localStorage.setItem(CHOICE, chosen);
  location.reload();
}
