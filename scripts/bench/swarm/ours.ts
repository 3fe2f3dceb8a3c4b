import type { LinkLab } from "../link_lab.ts";
import { DONE, type Engine, SERVER } from "./engine.ts";

/** The product's swarm code, one process per machine: tracker and seeder on the server, leechers on the nodes. */
export const ours: Engine = makeOurs("ours", []);

/** The same, with all knowing their own and their peers' racks. */
export const rackAware: Engine = makeOurs("ours, racks", ["--racks"]);

function makeOurs(name: string, flags: readonly string[]): Engine {
  return {
    name,
    packages: {},
    tracker: false,
    waitsForGo: true,
    copy: "0.pack",
    server: ({ lab, torrent, seed }) => ({
      argv: swarmNode(["serve", torrent, `${seed}/bench`, lab.address(SERVER), ...flags]),
      says: (line) => line === "READY",
    }),
    node: ({ lab, torrent }, { machine, folder }) => ({
      argv: swarmNode(["leech", torrent, folder, lab.address(machine), ...flags]),
      says: (line) => line.startsWith(DONE),
    }),
  };
}

/** Our tracker alone, for the other BitTorrent engines. */
export function trackerArgv(lab: LinkLab, torrent: string): string[] {
  return swarmNode(["track", torrent, lab.address(SERVER)]);
}

function swarmNode(args: readonly string[]): string[] {
  return [Deno.execPath(), "run", "-A", new URL("../swarm_node.ts", import.meta.url).pathname, ...args];
}
