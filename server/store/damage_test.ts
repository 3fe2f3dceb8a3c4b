import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { sendTree } from "../capture/testing/sender.ts";
import { openTestServer } from "../capture/testing/service.ts";
import { readTree } from "../capture/testing/tree.ts";

type Damage = (paths: { pack: string; version: string; data: string }) => void;

const damages: [what: string, damage: Damage, named: RegExp[]][] = [
  ["a changed byte of a pack", ({ pack }) => changeByte(pack, 5000), [
    /^[0-9a-f]{64}\.pack: it has another SHA-256$/,
    /pack: frame at byte 0: it cannot be opened .*; it holds content of a and 1 other files$/,
  ]],
  ["a pack that is cut off", ({ pack }) => Deno.truncateSync(pack, 1000), [
    /pack: it has 1000 bytes instead of \d+$/,
    /frame at byte 0: the pack ends within it/,
  ]],
  ["a missing pack", ({ pack }) => Deno.removeSync(pack), [/pack: it is missing/, /frame.*pack is missing/]],
  ["a changed manifest", ({ version }) => changeByte(`${version}/manifest.rsm`, 100), [/^manifest.rsm: /]],
  ["a missing torrent", ({ version }) => Deno.removeSync(`${version}/torrent`), [/^torrent: it is missing/]],
  ["another signing key", ({ data }) => Deno.removeSync(`${data}/keys/signing.pem`), [/signature/]],
];

for (const [what, damage, named] of damages) {
  Deno.test(`verify names ${what}`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-damage-" });
    try {
      const data = `${folder}/data`;
      Deno.mkdirSync(`${folder}/tree`);
      Deno.writeFileSync(`${folder}/tree/a`, randomBytes(20_000));
      Deno.writeFileSync(`${folder}/tree/b`, randomBytes(20_000));
      {
        await using server = await openTestServer(data);
        const { id } = server.service.begin({ image: "web", level: 3, excludes: [] });
        await sendTree(server.service, id, await readTree(`${folder}/tree`));
        assert.equal((await server.ended(id)).state, "published");
        const published = server.store.published("web");
        damage({ pack: published.payload[1]?.path ?? "", version: published.folder, data });
      }
      await using server = await openTestServer(data);
      const events = await Array.fromAsync(server.store.verify("web"));
      const found = events.flatMap((e) => e.type === "damage" ? [e.what] : []);
      for (const pattern of named) assert.ok(found.some((f) => pattern.test(f)), found.join("\n"));
      const last = events.at(-1);
      assert.ok(last?.type === "done" && last.damaged === found.length);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function changeByte(path: string, at: number): void {
  const bytes = Deno.readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  Deno.writeFileSync(path, bytes);
}
