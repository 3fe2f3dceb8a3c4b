/** Stock BitTorrent programs as seeders of a rack, and Debian's opentracker as a further tracker. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { announce } from "#torrent/tracker/tracker_client.ts";
import { freePort } from "../support/pebble.ts";
import { needs } from "../support/needs.ts";
import { ADDRESS } from "../support/rack_seeder_site.ts";
import { waitFor } from "../support/wait_for.ts";

const SITE = new URL("../support/rack_seeder_site.ts", import.meta.url).pathname;

for (const program of ["transmission-cli", "aria2c", "rtorrent"]) {
  Deno.test({
    name: `nodes take a version from ${program} alone, started by the documentation's command`,
    ...needs({ root: true, programs: ["ip", "unshare", program] }),
    fn: async () => {
      const script = `ip link set lo up && ip address add ${ADDRESS}/24 dev lo && exec "$@"`;
      const deno = [Deno.execPath(), "run", "-A", "--no-check", SITE, program];
      const { code, stdout, stderr } = await new Deno.Command("unshare", {
        args: ["--net", "--kill-child", "sh", "-c", script, "sh", ...deno],
      }).output();
      const said = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
      assert.equal(code, 0, new TextDecoder().decode(stderr).slice(-4000));
      const { copies } = JSON.parse(said);
      console.log(`the server sent ${copies.toFixed(2)} copies to four nodes beside ${program}`);
      // before it knows the seeder, a node may ask for a piece
      assert.ok(copies < 0.5, `${copies} copies`);
    },
  });
}

Deno.test({
  name: "opentracker joins peers over HTTP and UDP, as the documentation starts it",
  ...needs({ programs: ["opentracker"] }),
  fn: async () => {
    const port = freePort(), { signal } = new AbortController();
    const infoHash = randomBytes(20), list = await Deno.makeTempFile();
    await Deno.writeTextFile(list, `${infoHash.toString("hex")}\n`);
    // it becomes another user
    await Deno.chmod(list, 0o644);
    const child = new Deno.Command("opentracker", {
      args: ["-i", "127.0.0.1", "-p", String(port), "-P", String(port), "-w", list],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const asPeer = (number: number) => ({
        infoHash,
        peerId: randomBytes(20),
        port: 20_000 + number,
        uploaded: 0,
        downloaded: 0,
        left: number,
        event: "started" as const,
      });
      const http = `http://127.0.0.1:${port}/announce`, udp = `udp://127.0.0.1:${port}/announce`;
      await waitFor("opentracker", async () => {
        return await announce(http, { request: asPeer(0), signal }).catch(() => undefined);
      }, { timeoutMs: 60_000, everyMs: 50 });
      for (const [number, url] of [[1, http], [2, udp]] as const) {
        const { peers, complete } = await announce(url, { request: asPeer(number), signal });
        assert.equal(complete, 1);
        assert.ok(peers.some(({ port }) => port === 20_000), JSON.stringify(peers));
      }
    } finally {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(list);
    }
  },
});
