import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { SecureBootOrder } from "#contract/api/secure_boot.ts";
import { makeSecureBootKey } from "../../../boot/uki/secure_boot_key.ts";
import { signatureLists, signVariable, VENDOR } from "../../../boot/uki/signature_list.ts";
import { signerOf } from "../../../boot/uki/signed_data.ts";
import { madeStub } from "../../../boot/uki/testing/made_stub.ts";
import { signProgram } from "../../../boot/uki/uki.ts";
import { enrolSecureBoot } from "./secure_boot.ts";

const GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const key = makeSecureBootKey({ commonName: "site" }), signer = signerOf(key);
const order: SecureBootOrder = {
  variables: (["db", "KEK", "PK"] as const).map((name) => {
    const value = signatureLists([{ owner: GLOBAL, certificate: key.certificate }]);
    const { attributes, data } = signVariable(name, { value, time: new Date(0), signer });
    return { name, vendor: VENDOR[name], attributes, data: data.toBase64() };
  }),
};
const signed = signProgram(madeStub({}), signer, { name: "shimx64.efi" });

async function inFirmware(setupMode: number, use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${folder}/SetupMode-${GLOBAL}`, Uint8Array.of(6, 0, 0, 0, setupMode));
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const names = async (folder: string) =>
  (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();

Deno.test("in set-up mode, db, KEK and PK are written with their attributes", () =>
  inFirmware(1, async (folder) => {
    const programs = [{ name: "EFI/BOOT/BOOTX64.EFI", content: signed }];
    // a folder has no firmware that would end set-up mode
    assert.match(await enrolSecureBoot(order, { programs, folder }) ?? "", /although the firmware took/);
    for (const { name, vendor, attributes, data } of order.variables) {
      const bytes = Buffer.from(await Deno.readFile(`${folder}/${name}-${vendor}`));
      assert.equal(bytes.readUInt32LE(0), attributes);
      assert.equal(bytes.subarray(4).toString("base64"), data);
    }
  }));

Deno.test("a machine whose loader these keys do not trust keeps its set-up mode: it would not start again", () =>
  inFirmware(1, async (folder) => {
    const other = signerOf(makeSecureBootKey({ commonName: "somebody else" }));
    const foreign = signProgram(madeStub({}), other, { name: "grubx64.efi" });
    for (const content of [madeStub({}), foreign, new Uint8Array(100), undefined]) {
      const programs = [{ name: "EFI/BOOT/BOOTX64.EFI", content: signed }, {
        name: "EFI/debian/grubx64.efi",
        content,
      }];
      const said = await enrolSecureBoot(order, { programs, folder });
      assert.match(said ?? "", /stays in set-up mode: EFI\/debian\/grubx64\.efi has no signature/);
    }
    assert.deepEqual(await names(folder), [`SetupMode-${GLOBAL}`]);
  }));

Deno.test("a machine with keys, or without Secure Boot, is left as it is", async () => {
  await inFirmware(0, async (folder) => {
    assert.equal(await enrolSecureBoot(order, { programs: [], folder }), undefined);
    assert.deepEqual(await names(folder), [`SetupMode-${GLOBAL}`]);
  });
  assert.equal(await enrolSecureBoot(order, { programs: [], folder: "/nonexistent" }), undefined);
});
