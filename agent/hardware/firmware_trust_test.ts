import assert from "node:assert/strict";
import { makeSecureBootKey } from "../../boot/uki/secure_boot_key.ts";
import { signatureLists, VENDOR } from "../../boot/uki/signature_list.ts";
import { readFirmwareTrust } from "./firmware_trust.ts";

const { certificate } = makeSecureBootKey({ commonName: "site" });
const owner = "5b7a2c0e-5f0d-4c39-9a0b-7261636b7364";
const lists = signatureLists([{ owner, certificate }]);

async function read(variables: Readonly<Record<string, Uint8Array>>) {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, value] of Object.entries(variables)) {
      await Deno.writeFile(`${folder}/${name}`, new Uint8Array([6, 0, 0, 0, ...value]));
    }
    return await readFirmwareTrust({ folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const flags = (on: number, setUp: number) => ({
  [`SecureBoot-${VENDOR.PK}`]: Uint8Array.of(on),
  [`SetupMode-${VENDOR.PK}`]: Uint8Array.of(setUp),
});

Deno.test("a firmware with Secure Boot tells what it trusts and forbids", async () => {
  const found = await read({
    ...flags(1, 0),
    [`db-${VENDOR.db}`]: lists,
    [`dbx-${VENDOR.db}`]: lists,
    "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23": lists,
  });
  assert.equal(found?.trust.state, "on");
  assert.deepEqual(found.trust.db?.map(({ name }) => name), ["site"]);
  assert.deepEqual(found.trust.mok, found.trust.db);
  assert.deepEqual([...found.forbidden], [found.trust.db?.[0]?.certificate]);
  assert.equal(found.trust.isPartial, undefined);
});

Deno.test("what is off, missing or damaged claims nothing", async () => {
  assert.deepEqual((await read(flags(0, 1)))?.trust, { state: "set-up" });
  assert.deepEqual((await read(flags(0, 0)))?.trust, { state: "off" });
  assert.equal(await read({}), undefined);
  for (const db of [lists.subarray(0, 40), new Uint8Array(30)]) {
    assert.ok((await read({ ...flags(1, 0), [`db-${VENDOR.db}`]: db }))?.trust.isPartial);
  }
  assert.ok((await read(flags(1, 0)))?.trust.isPartial);
});
