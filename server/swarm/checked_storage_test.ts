import assert from "node:assert/strict";
import { createInfo } from "#torrent/metainfo/create_metainfo.ts";
import { encodeMetainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { DamagedPiece } from "#torrent/ports.ts";
import { waitFor } from "../../test/support/wait_for.ts";
import { CheckedStorage } from "./checked_storage.ts";

const PIECE = 1 << 16;

Deno.test("a damaged file is refused until it is put back", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/a.pack`;
    const bytes = crypto.getRandomValues(new Uint8Array(PIECE));
    Deno.writeFileSync(path, bytes);
    const info = await createInfo("web@1", { files: [{ name: "a.pack", path }], pieceLength: PIECE / 4 });
    const metainfo = parseMetainfo(encodeMetainfo(info, { announce: [], webSeeds: [] }));
    let now = 0;
    const found: string[] = [];
    using storage = new CheckedStorage(metainfo, {
      paths: [path],
      onDamage: (file, what) => found.push(`${file} ${what}`),
      now: () => now,
    });
    const into = new Uint8Array(100);
    storage.read(PIECE / 2, into);
    assert.deepEqual(into, bytes.subarray(PIECE / 2, PIECE / 2 + 100));

    // The kernel's clock for change times ticks every few milliseconds.
    const changedMs = () => Deno.statSync(path).ctime?.getTime() ?? 0;
    const publishedMs = changedMs();
    await waitFor("a later change time", () => {
      Deno.writeFileSync(path, bytes.map((byte, i) => i === PIECE / 2 + 1 ? byte ^ 1 : byte));
      return changedMs() > publishedMs;
    });
    now += 2_000;
    assert.throws(() => storage.read(PIECE / 2, into), DamagedPiece);
    assert.throws(() => storage.read(PIECE / 2, into), DamagedPiece);
    assert.equal(found.length, 1);
    storage.read(0, into);

    // a new file of that name, as restored from a backup
    Deno.removeSync(path);
    Deno.writeFileSync(path, bytes);
    now += 2_000;
    storage.read(PIECE / 2, into);
    assert.deepEqual(into, bytes.subarray(PIECE / 2, PIECE / 2 + 100));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
