import assert from "node:assert/strict";
import { Signatures } from "./signatures.ts";
import { emptyDatabase } from "./testing/test_database.ts";

Deno.test("the same bytes are signed once by each key", () => {
  using db = emptyDatabase();
  const asked: string[] = [];
  const sign = (text: string, key: string) =>
    new TextDecoder().decode(
      new Signatures(db).of(new TextEncoder().encode(text), {
        certificate: new TextEncoder().encode(key),
        make: (bytes) => {
          asked.push(`${new TextDecoder().decode(bytes)} by ${key}`);
          return new TextEncoder().encode(`${key} signs ${text}`);
        },
      }),
    );
  assert.equal(sign("a", "old"), "old signs a");
  assert.equal(sign("a", "old"), "old signs a");
  assert.equal(sign("a", "new"), "new signs a");
  assert.deepEqual(asked, ["a by old", "a by new"]);
});
