import assert from "node:assert/strict";
import { SecureBootKeys } from "./secure_boot_key.ts";
import { emptyDatabase } from "./testing/test_database.ts";

Deno.test("the Secure Boot key is sealed, stays, and cannot be replaced", async () => {
  const keys = await Deno.makeTempDir();
  try {
    using db = emptyDatabase();
    const open = () => new SecureBootKeys(db, { directory: { keys }, now: () => 0 });
    assert.equal(open().read(), undefined);
    const certificate = Uint8Array.of(1, 2, 3);
    open().store({ privateKey: "the private key", certificate });
    const { sealed } = db.prepare("SELECT private_key AS sealed FROM secure_boot").get() as {
      sealed: Uint8Array;
    };
    assert.ok(!new TextDecoder("latin1").decode(sealed).includes("private"));
    assert.deepEqual(open().read(), { privateKey: "the private key", certificate, created: new Date(0) });
    assert.throws(() => open().store({ privateKey: "another", certificate }), /UNIQUE|constraint/);
    await Deno.remove(`${keys}/secrets.key`);
    assert.throws(() => open().read(), /cannot use the key of the stored secrets/);
  } finally {
    await Deno.remove(keys, { recursive: true });
  }
});
