import assert from "node:assert/strict";
import type { Order } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { createInfo } from "#torrent/metainfo/create_metainfo.ts";
import { toHex } from "#torrent/metainfo/hex.ts";
import { encodeMetainfo, infoHashOf } from "#torrent/metainfo/metainfo.ts";
import { fetchTorrent } from "./torrent_file.ts";

const { signal } = new AbortController();

async function torrentOf(content: string): Promise<{ bytes: Uint8Array; infoHash: string }> {
  const path = await Deno.makeTempFile({ prefix: "torrent-file-" });
  try {
    await Deno.writeTextFile(path, content);
    const files = [{ name: "a.pack", path, sizeBytes: content.length }];
    const info = await createInfo("rackseed-test", { files, signal });
    return { bytes: encodeMetainfo(info, { announce: [], webSeeds: [] }), infoHash: toHex(infoHashOf(info)) };
  } finally {
    await Deno.remove(path);
  }
}

function enrolled({ bytes, infoHash, rsync }: { bytes: Uint8Array; infoHash: string; rsync?: string }) {
  const calls: string[] = [];
  const client = {
    send(method: string, path: string) {
      calls.push(`${method} ${path}`);
      return Promise.resolve(new Response(Uint8Array.from(bytes)));
    },
  } as unknown as ApiClient;
  const swarm = { infoHash, announce: [], webSeeds: [], ...(rsync !== undefined && { rsync }) };
  return { order: { swarm } as unknown as Order, client, calls };
}

Deno.test("if rsync fails the torrent comes over HTTPS, and the step says why", async () => {
  const torrent = await torrentOf("content");
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = listener.addr.port;
  listener.close();
  const cases: [rsync: string | undefined, why: RegExp][] = [
    [undefined, /^torrent over HTTPS, not by rsync: the server has none$/],
    [`rsync://127.0.0.1:${port}/torrents/web@1.torrent`, /not by rsync: .*refused/],
    ["rsync://", /not by rsync: /],
    ["http://127.0.0.1/torrents/x", /not by rsync: .* is not an rsync URL/],
  ];
  for (const [rsync, why] of cases) {
    const node = enrolled({ ...torrent, ...(rsync !== undefined && { rsync }) });
    const { metainfo, way } = await fetchTorrent(node, { signal });
    assert.equal(toHex(metainfo.infoHash), torrent.infoHash);
    assert.match(way, why);
    assert.deepEqual(node.calls, ["GET /node/torrent"]);
  }
});

Deno.test("a torrent with another info hash is refused, whichever way it comes", async () => {
  const [torrent, other] = [await torrentOf("content"), await torrentOf("another")];
  const node = enrolled({ bytes: other.bytes, infoHash: torrent.infoHash });
  await assert.rejects(fetchTorrent(node, { signal }), /its info hash is not the ordered one/);
});
