import assert from "node:assert/strict";
import { wordsFor } from "./access_messages.ts";

Deno.test("the browser's languages are taken in the order that it prefers", () => {
  const languages = [
    "de-CH, fr;q=0.9, en;q=0.8",
    "fr, en;q=0.5, zh-CN;q=0.7",
    "*",
    "de;q=0, en",
    "de;q=x, zh;q=0.1",
  ]
    .map((header) => wordsFor(header).language);
  assert.deepEqual(languages, ["de", "zh", "en", "en", "zh"]);
  assert.equal(wordsFor().language, "en");
});

Deno.test("a text holds what it is about", () => {
  assert.equal(wordsFor("de")("logInThrough", { provider: "Keycloak" }), "Anmelden über Keycloak");
});
