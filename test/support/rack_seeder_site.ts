/**
 * A site in a network of its own, whose server does not seed: a stock BitTorrent program is started as the documentation
 * shows it, and nodes are installed. Arguments: the program. Prints what the server sent, as JSON. It is a program, because
 * transmission refuses peers on 127.0.0.1.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { CONTENT, installAll, publish, sentBy } from "../flows/support/installed_nodes.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { waitFor } from "./wait_for.ts";

export const ADDRESS = "10.213.0.1";
const PAGE = new URL("../../server/docs/object-storage.md", import.meta.url);
const NODES = ["n1", "n2", "n3", "n4"];

/** The program's line in the documentation, for these paths. */
async function argvOf(
  program: string,
  { seed, torrent }: { seed: string; torrent: string },
): Promise<string[]> {
  const line = (await Deno.readTextFile(PAGE)).split("\n").find((text) => text.startsWith(`${program} -`));
  if (line === undefined) throw new Error(`the documentation does not start ${program}`);
  return line.split(" ").map((word) => word.replace("/srv/seed", seed).replace("web.torrent", torrent));
}

async function site(program: string): Promise<void> {
  const settings = { listen: { hostname: ADDRESS, port: 0 }, seeder: "off", metricsOpen: true } as const;
  await using test = await ServerUnderTest.start({ settings });
  await publish(test);
  const { folder, client, data } = test;
  const seed = `${folder}/seed`, torrent = `${folder}/web.torrent`, home = `${folder}/home`;
  for (const path of [seed, home]) await Deno.mkdir(path);
  const bytes = await (await client.send("GET", "/images/web/torrent")).bytes();
  await Deno.writeFile(torrent, bytes);
  const metainfo = parseMetainfo(bytes);
  const held = `${seed}/${metainfo.info.name}`;
  if (program === "rtorrent") {
    await Deno.mkdir(held);
    await Deno.copyFile(`${data}/versions/web@1/manifest.rsm`, `${held}/manifest.rsm`);
    for (const { name } of Deno.readDirSync(`${data}/packs`)) {
      await Deno.copyFile(`${data}/packs/${name}`, `${held}/${name}`);
    }
  }
  const [command = "", ...args] = await argvOf(program, { seed, torrent });
  const child = new Deno.Command(command, {
    args,
    env: { HOME: home },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await waitFor(`${program} to have everything`, () => hasPacks(held), {
      timeoutMs: 300_000,
      everyMs: 200,
    });
    await waitFor(`${program} to announce itself`, () => isSeeding(test, metainfo.infoHash), {
      timeoutMs: 300_000,
      everyMs: 200,
    });
    // transmission lets nobody in for ten seconds, in which the web seed must not have sent everything
    await client.post("/swarm", { body: { uploadLimit: 32 << 10 }, schema: z.unknown() });
    const before = await sentBy(test);
    await installAll(test, { nodes: NODES });
    console.log(JSON.stringify({ copies: (await sentBy(test) - before) / CONTENT.length }));
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

async function hasPacks(folder: string): Promise<true | undefined> {
  try {
    const packs = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".pack"));
    for (const { name } of packs) {
      const hash = createHash("sha256").update(await Deno.readFile(`${folder}/${name}`)).digest("hex");
      if (name !== `${hash}.pack`) return undefined;
    }
    return packs.length > 0 || undefined;
  } catch {
    return undefined;
  }
}

/** By the server's own tracker. */
async function isSeeding(test: ServerUnderTest, infoHash: Uint8Array): Promise<true | undefined> {
  const escaped = Array.from(infoHash, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const text = await (await fetch(`${test.server.urls.http}/scrape?info_hash=${escaped}`)).text();
  return /8:completei[1-9]/.test(text) || undefined;
}

if (import.meta.main) {
  await site(Deno.args[0] ?? "");
  Deno.exit(0);
}
