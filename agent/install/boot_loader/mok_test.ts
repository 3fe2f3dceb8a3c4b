import assert from "node:assert/strict";
import { mokRequest, SHIM } from "../../../boot/uki/mok_request.ts";
import { makeSecureBootKey } from "../../../boot/uki/secure_boot_key.ts";
import { signatureLists } from "../../../boot/uki/signature_list.ts";
import { CloneTree } from "../../tree/tree_files.ts";
import { requestMok } from "./mok.ts";

const { certificate } = makeSecureBootKey({ commonName: "site" });
const shim = "/boot/efi/EFI/debian/shimx64.efi";

async function asked(
  { manager, known }: { manager: boolean; known?: Uint8Array },
): Promise<{ said: string | undefined; variables: Map<string, Uint8Array> }> {
  const root = await Deno.makeTempDir(), folder = await Deno.makeTempDir();
  try {
    const tree = new CloneTree(root);
    await tree.write(shim, { text: "shim", mode: 0o644 });
    if (manager) await tree.write("/boot/efi/EFI/debian/mmx64.efi", { text: "MokManager", mode: 0o644 });
    if (known) await Deno.writeFile(`${folder}/MokListRT-${SHIM}`, new Uint8Array([6, 0, 0, 0, ...known]));
    const said = await requestMok(certificate, { tree, shim, folder });
    const variables = new Map<string, Uint8Array>();
    for await (const { name } of Deno.readDir(folder)) {
      variables.set(name.slice(0, -SHIM.length - 1), await Deno.readFile(`${folder}/${name}`));
    }
    return { said, variables };
  } finally {
    for (const path of [root, folder]) await Deno.remove(path, { recursive: true });
  }
}

Deno.test("the request is in the firmware, for the password that was said", async () => {
  const { said, variables } = await asked({ manager: true });
  const password = /type (\d{8}),/.exec(said ?? "")?.[1];
  assert.ok(password, said);
  const auth = variables.get("MokAuth") ?? new Uint8Array();
  const salt = new TextDecoder().decode(auth.subarray(4 + 12, 4 + 28));
  const expected = mokRequest(certificate, { password, salt });
  for (const { name, data } of expected) {
    assert.deepEqual(variables.get(name), new Uint8Array([7, 0, 0, 0, ...data]), name);
  }
});

Deno.test("nothing is asked where shim trusts the certificate, or has no MokManager beside it", async () => {
  const known = signatureLists([{ owner: SHIM, certificate }]);
  const trusted = await asked({ manager: true, known });
  assert.deepEqual([trusted.said, [...trusted.variables.keys()]], [undefined, ["MokListRT"]]);
  const alone = await asked({ manager: false });
  assert.match(alone.said ?? "", /there is no \/boot\/efi\/EFI\/debian\/mmx64\.efi/);
  assert.equal(alone.variables.size, 0);
});
