import assert from "node:assert/strict";
import type { Act } from "../store/audit_log.ts";
import { BootSignatures } from "./boot_signatures.ts";

const hash = (digit: string) => digit.repeat(64);
const program = (path: string, digit: string) => ({
  path,
  checkedBy: "firmware" as const,
  digest: hash(digit),
  signatures: [],
});

function signatures({ signs = true } = {}) {
  const acts: (Act & { result?: string })[] = [], signed: string[] = [];
  const anchor = { name: "site", certificate: hash("a"), subject: hash("b") };
  const programs = [program("/efi/a.efi", "1"), {
    ...program("/efi/grubx64.efi", "2"),
    needsShim: true as const,
  }];
  const made = new BootSignatures({
    nodes: { get: () => ({ name: "n1" }) as never },
    programs: () => programs,
    audit: {
      begin: (act) => {
        const line: typeof acts[number] = { ...act };
        acts.push(line);
        return { end: ({ result }) => line.result = result };
      },
    },
    signer: signs
      ? {
        certificate: anchor,
        requestsMok: false,
        sign: (digest) => {
          signed.push(digest.toHex());
          return Promise.resolve(Uint8Array.of(7));
        },
      }
      : undefined,
  });
  const sign = (digests: string[]) =>
    made.sign({ node: "id", image: "web", version: 3 }, { digests, address: "10.0.0.9" });
  return { sign, acts, signed };
}

Deno.test("a program of the ordered version is signed, and the audit log has it", async () => {
  const { sign, acts, signed } = signatures();
  assert.deepEqual(await sign([hash("1")]), { signatures: ["Bw=="] });
  assert.deepEqual(signed, [hash("1")]);
  assert.deepEqual(acts, [{
    who: "agent of n1",
    address: "10.0.0.9",
    action: "node.sign",
    nodes: ["n1"],
    images: ["web@3"],
    subject: "/efi/a.efi",
    result: "done",
  }]);
});

Deno.test("nothing else is: not another program, not GRUB without shim, and not without the setting", async () => {
  const { sign, acts, signed } = signatures();
  for (const digits of ["9", "2", "19"]) {
    await assert.rejects(sign([...digits].map(hash)), { status: 403 });
  }
  assert.deepEqual(acts.map(({ result }) => result), ["refused", "refused", "refused"]);
  assert.deepEqual(signed, []);
  await assert.rejects(signatures({ signs: false }).sign([hash("1")]), { status: 409 });
});
