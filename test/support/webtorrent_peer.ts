/**
 * webtorrent as a peer: `webtorrent_peer.ts TORRENT DIR`. Verifies what DIR holds, fetches the rest, says
 * COMPLETE and seeds until killed. Runs under a deno.json that names its version and links
 * stubs in place of its native modules.
 */
import fs from "node:fs";

const [torrent = "", path = ""] = Deno.args;
// Named at run time, so that its two hundred packages are no part of this project's own graph and lock file.
const name: string = "webtorrent";
const { default: WebTorrent } = await import(name);
const client = new WebTorrent({
  dht: false,
  lsd: false,
  utp: false,
  natUpnp: false,
  natPmp: false,
  utPex: false,
  secure: 0,
});
client.on("error", (error: unknown) => {
  console.log(`ERROR ${error}`);
  Deno.exit(1);
});
client.add(
  fs.readFileSync(torrent),
  { path },
  (added: { done: boolean; once(event: "done", then: () => void): void }) => {
    const complete = () => console.log("COMPLETE");
    if (added.done) complete();
    else added.once("done", complete);
  },
);
