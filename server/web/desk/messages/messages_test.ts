import assert from "node:assert/strict";
import { languageOf } from "./languages.ts";
import { TABLES } from "./messages.ts";
import { type Message, textOf } from "./text_of.ts";

// every page with its messages
import "../app.tsx";

/** The names in braces. */
function parametersOf(text: Message["en"]): string[] {
  const forms = typeof text === "string" ? [text] : [text.one, text.other];
  return [...new Set(forms.flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "")))]
    .sort();
}

Deno.test("every message has the same parameters in all languages, and no empty text", () => {
  const wrong: string[] = [];
  assert.ok(TABLES.length > 5);
  for (const table of TABLES) {
    for (const [key, message] of Object.entries(table)) {
      const wanted = parametersOf(message.en).join();
      for (const [tag, text] of Object.entries(message)) {
        const isEmpty = JSON.stringify(text).includes('""');
        if (parametersOf(text).join() !== wanted || isEmpty) wrong.push(`${key}, ${tag}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("a message has the form that its number needs, and numbers as the language writes them", () => {
  const message = {
    en: { one: "{n} node", other: "{n} nodes" },
    de: { one: "{n} Knoten", other: "{n} Knoten" },
    zh: "{n} 个节点",
  };
  const of = (n: number, language: "en" | "de" | "zh") => textOf(message, { parameters: { n }, language });
  assert.deepEqual([of(1, "en"), of(5000, "en"), of(5000, "de"), of(1, "zh")], [
    "1 node",
    "5,000 nodes",
    "5.000 Knoten",
    "1 个节点",
  ]);
});

Deno.test("the reader's first language that the desk speaks is chosen", () => {
  assert.equal(languageOf(["fr-CH", "de-AT", "en"]), "de");
  assert.equal(languageOf(["zh-TW"]), "zh");
  assert.equal(languageOf(["", "fr"]), "en");
});
