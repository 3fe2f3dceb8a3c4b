/**
 * webtorrent as a peer: `webtorrent_peer.ts TORRENT DIR`. Verifies what DIR holds, fetches the rest, prints COMPLETE
 * and seeds until killed. It runs under a deno.json that pins its version and replaces its native modules by stubs.
 */
import fs from "node:fs";

const [torrent = "", path = ""] = Deno.args;
// Imported by a name computed at run time, to keep its two hundred packages out of this project's lock file.
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
