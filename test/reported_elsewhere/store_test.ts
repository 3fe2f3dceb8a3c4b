/** Servers that lost data, ran out of space, or served damaged data. */
import { createHash } from "node:crypto";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { PieceMap } from "#torrent/metainfo/piece_map.ts";
import type { Metainfo } from "#torrent/metainfo/metainfo.ts";
import { sendTree } from "../../server/capture/testing/sender.ts";
import { openTestServer } from "../../server/capture/testing/service.ts";
import { generatedTree } from "../../server/capture/testing/tree.ts";
import { diskFull, isDiskFull } from "../../server/store/store_error.ts";
import { withRoom } from "../../server/store/with_room.ts";
import { CheckedStorage } from "../../server/swarm/checked_storage.ts";
import { openAuthority } from "../../server/access/tls.ts";
import { testReports } from "./report.ts";

/** How a server starts on a data directory with one published version, web@1, after `fault`. */
async function restarted(fault: (data: string) => void | Promise<void>): Promise<string> {
  const data = await Deno.makeTempDir({ prefix: "rackseed-reported-" });
  try {
    {
      await using server = await openTestServer(data);
      const { id } = server.service.begin({ image: "web", level: 1, excludes: [] });
      await sendTree(server.service, id, generatedTree({ seed: "a", sizes: [20_000] }));
      await server.ended(id);
    }
    await fault(data);
    return await opened(data);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

async function opened(data: string): Promise<string> {
  const folders = () => [...Deno.readDirSync(`${data}/versions`)].map(({ name }) => name).sort().join(", ");
  try {
    await using server = await openTestServer(data);
    const listed = server.store.list().map((v) => `${v.image}@${v.version}`).join(", ");
    const strays = server.store.strays.length > 0 ? `; unknown, kept: ${server.store.strays.join(", ")}` : "";
    const damage: string[] = [];
    for await (const event of server.store.verify("web")) {
      if (event.type === "damage") {
        damage.push(event.what.replace(/^[0-9a-f]{64}/, "SHA").replace(/: .*/s, ""));
      }
    }
    return `serves ${listed}${strays}${damage.length > 0 ? `; damaged: ${damage.join(", ")}` : ""}`;
  } catch (error) {
    if (!(error instanceof RackseedError)) return `fails without a remedy: ${messageOf(error)}`;
    const restore = /server restore/.test(error.remedy) ? ", restore from backup" : "";
    return `refuses${restore}; there is ${folders()}`;
  }
}

testReports(restarted, [
  {
    report: "ulsklyc/yuvomi#1288",
    fault: "an empty database file was treated as a new installation",
    input: (data) => Deno.truncateSync(`${data}/rackseed.db`),
    right: "refuses, restore from backup; there is web@1",
  },
  {
    report: "qTox/qTox#2179",
    fault: "after a full disk the database came up blank, and all history was gone",
    input: (data) => {
      Deno.writeTextFileSync(`${data}/rackseed.db`, "");
      Deno.writeTextFileSync(`${data}/rackseed.db-wal`, "");
    },
    right: "refuses, restore from backup; there is web@1",
  },
  {
    report: "MonetDB/MonetDB#3988",
    fault: "after a full disk the catalogue was gone, and the database would not start",
    input: (data) => Deno.removeSync(`${data}/rackseed.db`),
    right: "refuses, restore from backup; there is web@1",
  },
  {
    report: "pulp/pulpcore#5363",
    fault: "a clean-up deleted content because it alone did not know about it",
    input: async (data) => {
      await Deno.mkdir(`${data}/versions/other@7`);
      await Deno.writeTextFile(`${data}/versions/other@7/manifest.rsm`, "somebody's");
    },
    right: "serves web@1; unknown, kept: versions/other@7",
  },
  {
    report: "distribution/distribution#1960",
    fault: "one empty metadata file stopped the clean-up of everything",
    input: (data) => Deno.truncateSync(`${data}/versions/web@1/torrent`),
    right: "serves web@1; damaged: torrent",
  },
  {
    report: "openshift-metal3/dev-scripts#1066",
    fault: "a truncated download was taken for the image, because a file was there",
    input: (data) => {
      const [pack] = [...Deno.readDirSync(`${data}/packs`)];
      Deno.truncateSync(`${data}/packs/${pack?.name}`, 5_000);
    },
    right: "serves web@1; damaged: SHA.pack, SHA.pack",
  },
  {
    report: "raspberrypi/rpi-imager#268",
    fault: "a damaged image in the cache caused failures that did not name it",
    input: (data) => {
      const path = `${data}/versions/web@1/manifest.rsm`;
      Deno.writeFileSync(path, Deno.readFileSync(path).map((byte, i) => i === 30 ? byte ^ 1 : byte));
    },
    right: "serves web@1; damaged: manifest.rsm, manifest.rsm",
  },
]);

/** How a server starts at a site that has its token but has lost one file of its authority. */
async function authorityWithout(lost: string): Promise<string> {
  const data = await Deno.makeTempDir({ prefix: "rackseed-reported-" });
  try {
    await openAuthority(data);
    Deno.writeTextFileSync(`${data}/token`, "rs1.x.y");
    const files = () => ["ca.pem", "ca.key"].map((name) => readIfThere(`${data}/tls/${name}`));
    Deno.removeSync(`${data}/tls/${lost}`);
    const before = files();
    const said = await openAuthority(data).then(
      () => "made again",
      (error: RackseedError) => `refused: ${error.title}`,
    );
    return said.replace(data, "DATA") +
      (files().join() === before.join() ? ", nothing changed" : ", OVERWRITTEN");
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

const REFUSED = "refused: cannot use the certificate authority in DATA/tls, nothing changed";
testReports(authorityWithout, [
  {
    report: "fabriziosalmi/certmate#621",
    fault:
      "with its key gone, a new authority was made, and the certificate that all trusted was overwritten",
    input: "ca.key",
    right: REFUSED,
  },
  {
    report: "fabriziosalmi/certmate#621",
    fault: "with its certificate gone, a new authority was made, and its key was overwritten",
    input: "ca.pem",
    right: REFUSED,
  },
]);

/** The message that the operator sees. */
testReports(
  (error: Error) => isDiskFull(error) ? diskFull("cannot store a frame", error).message : messageOf(error),
  [
    {
      report: "FOGProject/fos#60",
      fault: "a full storage node was reported as a path that could not be created",
      input: Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" }),
      right: diskFull("cannot store a frame").message,
    },
    {
      report: "jellyfin/jellyfin.org#648",
      fault: "a full disk was reported as SQL errors",
      input: new Error("database or disk is full"),
      right: diskFull("cannot store a frame").message,
    },
  ],
);

testReports((ways: readonly string[]) => {
  const tried: string[] = [];
  const delete_ = () => {
    if (!tried.includes("removes its files")) throw new Error("database or disk is full");
    return "deleted";
  };
  const said = withRoom(delete_, ways.map((way) => () => void tried.push(way)));
  return `${said} after it ${tried.join(", ")}`;
}, [
  {
    report: "haiwen/seafile#1521",
    fault: "on a full disk nothing could be deleted, because deleting needed space",
    input: ["releases the reserve", "removes its files", "removes its packs"],
    right: "deleted after it releases the reserve, removes its files",
  },
]);

/** The pieces that a seed serves of a torrent of four pieces of 16 KiB, after `fault` on its file. */
async function seeded(fault: (path: string) => void): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "rackseed-reported-" });
  try {
    const bytes = new Uint8Array(4 << 14).map((_, i) => i % 251);
    Deno.writeFileSync(path, bytes);
    const hashes = [0, 1, 2, 3].map((piece) =>
      createHash("sha1").update(bytes.subarray(piece << 14, (piece + 1) << 14)).digest()
    );
    const map = new PieceMap([{ name: "a.pack", length: bytes.length }], 1 << 14);
    const metainfo = { map, info: { pieceHashes: Buffer.concat(hashes) } } as unknown as Metainfo;
    fault(path);
    using storage = new CheckedStorage(metainfo, { paths: [path] });
    return [0, 1, 2, 3].map((piece) => storage.damageIn(piece << 14, 100) === undefined ? "given" : "refused")
      .join(", ");
  } finally {
    await Deno.remove(path).catch(() => {});
  }
}

testReports(seeded, [
  {
    report: "rakshasa/rtorrent#110",
    fault: "pieces that had changed on disk were uploaded unchecked",
    input: (path) =>
      Deno.writeFileSync(path, Deno.readFileSync(path).map((byte, i) => i === 20_000 ? byte ^ 1 : byte)),
    right: "given, refused, given, given",
  },
  {
    report: "qbittorrent/qBittorrent#11841",
    fault: "a seed whose file was gone claimed to have everything",
    input: (path) => Deno.removeSync(path),
    right: "refused, refused, refused, refused",
  },
  {
    report: "lflare/mdathome-golang#2",
    fault: "a truncated file in the cache was served as it was",
    input: (path) => Deno.truncateSync(path, 40_000),
    right: "given, given, refused, refused",
  },
]);

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
