/** A request to shim beside Debian's mokutil, each in a folder that stands for the firmware's variables. */
import assert from "node:assert/strict";
import { requestMok } from "../../agent/install/boot_loader/mok.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import { mokRequest, SHIM } from "../../boot/uki/mok_request.ts";
import { makeSecureBootKey } from "../../boot/uki/secure_boot_key.ts";
import { VENDOR } from "../../boot/uki/signature_list.ts";
import { needs } from "../support/needs.ts";

const PASSWORD = "12345678";

Deno.test({
  name: "what shim is asked for is what mokutil asks for, and mokutil reads it",
  ...needs({ programs: ["mokutil"] }),
  async fn() {
    const folder = await Deno.makeTempDir(), variables = `${folder}/efivars`;
    try {
      const mokutil = async (...args: string[]) => {
        const { code, stdout, stderr } = await new Deno.Command("mokutil", {
          args,
          // libefivar(3): in place of efivarfs
          env: { EFIVARFS_PATH: `${variables}/` },
        }).output();
        assert.equal(code, 0, new TextDecoder().decode(stderr));
        return new TextDecoder().decode(stdout);
      };
      await Deno.mkdir(variables);
      await Deno.writeFile(`${variables}/SecureBoot-${VENDOR.PK}`, Uint8Array.of(6, 0, 0, 0, 1));
      const { certificate } = makeSecureBootKey({ commonName: "site" });
      await Deno.writeFile(`${folder}/site.cer`, certificate);
      const hash = await mokutil(`--generate-hash=${PASSWORD}`);
      await Deno.writeTextFile(`${folder}/hash`, hash);
      await mokutil("--import", `${folder}/site.cer`, "--hash-file", `${folder}/hash`);
      for (
        const { name, data } of mokRequest(certificate, {
          password: PASSWORD,
          salt: hash.split("$")[2] ?? "",
        })
      ) {
        const path = `${variables}/${name}-${SHIM}`;
        assert.deepEqual(await Deno.readFile(path), new Uint8Array([7, 0, 0, 0, ...data]), name);
        await Deno.remove(path);
      }
      const tree = new CloneTree(folder), shim = "/boot/efi/EFI/debian/shimx64.efi";
      await tree.write(shim.replace("shimx64", "mmx64"), { text: "MokManager", mode: 0o644 });
      assert.match(
        await requestMok(certificate, { tree, shim, folder: variables }) ?? "",
        /choose Enroll MOK/,
      );
      assert.match(await mokutil("--list-new"), /Subject: CN ?= ?site/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
