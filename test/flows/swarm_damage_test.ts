/** A seed with a damaged copy, in a swarm with a fast clock: intact pieces are served, damaged ones reported. */
import assert from "node:assert/strict";
import { damagedCopy, isDamagedCopy } from "#contract/damaged_copy.ts";
import type { HttpSource } from "#torrent/web_seed/http_range.ts";
import { CheckedStorage } from "../../server/swarm/checked_storage.ts";
import { address, hurriedClock, type LabSwarm, SwarmLab } from "../support/swarm_lab.ts";
import { waitFor } from "../support/wait_for.ts";

const BAD_PIECE = 9;

/** A dealing seed with one bad byte, and its answer over HTTPS. */
async function damagedServer(
  lab: SwarmLab,
): Promise<{ server: LabSwarm; httpsFallback: HttpSource; found: string[] }> {
  const { map, info } = lab.metainfo;
  await Deno.mkdir(`${lab.directory}/server`);
  const found: string[] = [];
  for (const { name } of info.files) {
    await Deno.copyFile(`${lab.directory}/seed/${name}`, `${lab.directory}/server/${name}`);
  }
  const [{ file = 0, offset = 0 } = {}] = map.rangesAt(map.startOf(BAD_PIECE) + 77, 1);
  const path = `${lab.directory}/server/${info.files[file]?.name}`;
  const bytes = await Deno.readFile(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  await Deno.writeFile(path, bytes);
  const storage = lab.stack.use(
    new CheckedStorage(lab.metainfo, {
      paths: info.files.map(({ name }) => `${lab.directory}/server/${name}`),
      onDamage: (_, what) => found.push(what),
    }),
  );
  const server = lab.seed({ storage, deals: true });
  const httpsFallback: HttpSource = {
    url: "https://127.0.0.1/packs",
    request: () => Promise.reject(damagedCopy("web@1", "a.pack: it is not what was published")),
  };
  return { server, httpsFallback, found };
}

Deno.test("a node whose only seed is damaged gets every intact piece, then fails with the server's message", async () => {
  await using lab = await SwarmLab.make({ pieces: 64 });
  const { server, httpsFallback, found } = await damagedServer(lab);
  const node = lab.node("1", { clock: hurriedClock(20), httpsFallback });
  node.addPeers([address(server)]);
  await assert.rejects(node.done, isDamagedCopy);
  const { havePieces, pieces, banned } = node.stats();
  assert.equal(havePieces, pieces - 1);
  assert.deepEqual(banned, []);
  assert.match(found[0] ?? "", /^a\.pack: its content is not what was published \(piece 9/);
});

Deno.test("a piece that is damaged at the server comes from a node that has it", async () => {
  await using lab = await SwarmLab.make({ pieces: 64 });
  const { server, httpsFallback } = await damagedServer(lab);
  const node = lab.node("1", { clock: hurriedClock(20), httpsFallback });
  node.addPeers([address(server), address(lab.seed())]);
  await node.done;
  await lab.assertSame("1");
  assert.deepEqual(node.stats().banned, []);
});

Deno.test("a piece that no peer has is not requested over and over", async () => {
  await using lab = await SwarmLab.make({ pieces: 64 });
  const { server } = await damagedServer(lab);
  const node = lab.node("1", { clock: hurriedClock(20) });
  node.addPeers([address(server)]);
  const { pieces } = node.stats();
  await waitFor("all pieces but one", () => node.stats().havePieces === pieces - 1);
  const { downloadedBytes } = node.stats();
  // Half a minute of the node's time, in which nothing may arrive.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(node.stats().downloadedBytes, downloadedBytes);
});
