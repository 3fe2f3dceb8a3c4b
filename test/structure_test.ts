import assert from "node:assert/strict";
import { dirname } from "node:path/posix";
import { importsOf, projectFiles, sourceFiles } from "./support/source_files.ts";

/**
 * Each room, and the other rooms that its files may import. A room is a folder with everything below it
 * that is not a room of its own; a name that ends in "/*" means only the files directly in a folder.
 */
const ROOMS: Record<string, readonly string[]> = {
  "main.ts": ["server/", "agent/"],

  // what server and agent share
  "server/contract/": [],
  "server/plan/": ["server/contract/"],
  "server/native/": ["server/contract/"],
  "server/tar/": ["server/contract/"],
  "server/connections/": ["server/contract/"],
  "server/rsync/wire/": [],
  "server/torrent/*": [],
  "server/torrent/metainfo/": ["server/contract/"],
  "server/torrent/wire/": ["server/torrent/metainfo/"],
  "server/torrent/choice/": ["server/torrent/*", "server/torrent/metainfo/", "server/torrent/wire/"],
  "server/torrent/storage/": [
    "server/contract/",
    "server/torrent/*",
    "server/torrent/choice/",
    "server/torrent/metainfo/",
    "server/torrent/wire/",
  ],
  "server/torrent/tracker/": ["server/contract/", "server/torrent/*", "server/torrent/metainfo/"],
  "server/torrent/web_seed/": [
    "server/contract/",
    "server/torrent/*",
    "server/torrent/choice/",
    "server/torrent/metainfo/",
    "server/torrent/storage/",
    "server/torrent/wire/",
  ],
  "server/torrent/session/": ["server/contract/", "server/connections/", "server/torrent/"],

  // the server's rooms; server/services/ and server/server.ts join them
  "server/words/": ["server/contract/"],
  "server/cli/": ["server/contract/", "server/metrics/", "server/words/"],
  "server/rsync/": ["server/contract/", "server/connections/", "server/rsync/wire/"],
  "server/swarm/": ["server/contract/", "server/torrent/"],
  "server/virtual_machine/": ["server/contract/", "server/plan/", "boot/"],
  "server/rehearsal/": [
    "server/contract/",
    "server/store/",
    "server/virtual_machine/",
  ],
  "server/store/": ["server/contract/", "server/native/", "server/tar/"],
  "server/capture/": ["server/contract/", "server/native/", "server/store/"],
  "server/access/": ["server/contract/", "server/store/"],
  "server/fleet/": [
    "server/contract/",
    "server/plan/",
    "server/store/",
    "server/capture/",
    "server/swarm/",
    "server/torrent/",
  ],
  "server/bucket/": ["server/contract/"],
  "server/pack_store/": ["server/bucket/", "server/contract/", "server/images/", "server/store/"],
  "server/power/": ["server/contract/", "server/store/"],
  "server/schedules/": [
    "server/contract/",
    "server/fleet/",
    "server/store/",
    "server/words/",
  ],
  "server/web/": [
    "server/contract/",
    "server/access/",
    "server/connections/",
    "server/docs/",
    "server/fleet/",
    "server/power/",
    "server/store/",
    "server/swarm/",
    "server/torrent/",
    "server/words/",
  ],
  // runs in the browser
  "server/web/desk/": ["server/contract/", "server/words/"],
  "server/metrics/": ["server/contract/"],
  "server/doctor/": [
    "server/access/",
    "server/bucket/",
    "server/contract/",
    "server/store/",
    "server/torrent/metainfo/",
    "boot/",
  ],
  "server/traces/": ["server/contract/"],
  "server/webhooks/": ["server/contract/", "server/store/"],
  "server/images/": [
    "server/contract/",
    "server/fleet/",
    "server/native/",
    "server/rsync/",
    "server/store/",
    "server/swarm/",
    "server/torrent/",
  ],
  "server/boot_files/": ["boot/", "server/contract/", "server/native/", "server/store/"],
  "server/netboot/": [
    "boot/",
    "server/boot_files/",
    "server/cli/",
    "server/connections/",
    "server/contract/",
    "server/fleet/",
    "server/store/",
  ],
  "server/media/": ["boot/", "server/contract/", "server/fleet/", "server/store/"],
  "server/support/": ["server/contract/", "server/tar/"],
  "server/systemd/": ["server/contract/"],
  "server/services/": [
    "boot/",
    "server/access/",
    "server/boot_files/",
    "server/bucket/",
    "server/capture/",
    "server/cli/",
    "server/connections/",
    "server/contract/",
    "server/fleet/",
    "server/images/",
    "server/media/",
    "server/metrics/",
    "server/pack_store/",
    "server/power/",
    "server/rehearsal/",
    "server/rsync/",
    "server/schedules/",
    "server/store/",
    "server/swarm/",
    "server/torrent/",
    "server/traces/",
    "server/web/",
    "server/webhooks/",
    "server/words/",
  ],
  // data for other programs
  "server/ansible/": [],
  "server/*": ["server/"],

  // between power-on and the agent
  "boot/dhcp/": ["server/contract/", "boot/*"],
  "boot/dhcp6/": ["server/contract/", "boot/dhcp/", "boot/*"],
  "boot/ndp/": ["server/contract/", "boot/dhcp/", "boot/dhcp6/", "boot/*"],
  "boot/tftp/": ["server/contract/", "boot/*"],
  "boot/medium/": ["server/contract/", "boot/*", "boot/tftp/"],
  "boot/menu/": [],
  "boot/programs/": ["server/contract/"],
  "boot/uki/": ["server/contract/", "boot/tftp/", "boot/*"],
  "boot/initramfs/": ["server/contract/", "server/native/"],
  "boot/*": ["server/contract/", "boot/"],

  // the agent: on a template, and on a node
  "agent/sys/": ["server/contract/"],
  "agent/tree/": ["server/contract/", "agent/sys/"],
  "agent/layout/": ["server/contract/", "agent/sys/", "agent/tree/"],
  "agent/disk_references/": ["server/contract/", "agent/tree/"],
  "agent/boot_config/": ["server/contract/", "agent/disk_references/", "agent/tree/"],
  "agent/hardware/": ["server/contract/", "agent/sys/"],
  "agent/tpm/": ["server/contract/", "agent/sys/"],
  "agent/hooks/": ["server/contract/", "agent/sys/"],
  "agent/capture/": [
    "server/contract/",
    "server/native/",
    "server/plan/",
    "server/tar/",
    "agent/boot_config/",
    "agent/disk_references/",
    "agent/layout/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/steps/": ["server/contract/", "server/torrent/", "agent/hardware/", "agent/layout/", "agent/sys/"],
  "agent/restart/": ["server/contract/", "agent/layout/", "agent/steps/", "agent/sys/"],
  "agent/install/records/": ["server/contract/", "server/native/", "agent/sys/", "agent/tree/"],
  "agent/install/extract/": [
    "server/contract/",
    "server/native/",
    "agent/install/records/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/install/compare/": [
    "server/contract/",
    "agent/install/extract/",
    "agent/install/records/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/install/fetch/": [
    "server/contract/",
    "server/native/",
    "server/rsync/wire/",
    "server/torrent/",
    "agent/install/compare/",
    "agent/install/extract/",
    "agent/install/records/",
    "agent/steps/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/install/disk/": [
    "server/contract/",
    "server/plan/",
    "agent/install/records/",
    "agent/layout/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/install/fit/": [
    "server/contract/",
    "server/plan/",
    "agent/boot_config/",
    "agent/disk_references/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/install/identity/": [
    "server/contract/",
    "agent/install/disk/",
    "agent/layout/",
    "agent/steps/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/install/boot_loader/": [
    "server/contract/",
    "server/plan/",
    "agent/boot_config/",
    "agent/disk_references/",
    "agent/install/disk/",
    "agent/install/records/",
    "agent/sys/",
    "agent/tree/",
    "boot/uki/",
  ],
  "agent/install/restore/": [
    "server/contract/",
    "server/plan/",
    "agent/install/boot_loader/",
    "agent/install/compare/",
    "agent/install/disk/",
    "agent/install/fit/",
    "agent/install/records/",
    "agent/layout/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/install/first_boot/": [
    "agent/boot_config/",
    "server/contract/",
    "server/plan/",
    "agent/hooks/",
    "agent/tree/",
  ],
  "agent/install/steps/": [
    "server/contract/",
    "server/plan/",
    "agent/hooks/",
    "agent/install/",
    "agent/layout/",
    "agent/steps/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/install/*": [
    "server/contract/",
    "agent/install/compare/",
    "agent/install/extract/",
    "agent/install/fetch/",
    "agent/install/records/",
    "agent/steps/",
    "agent/sys/",
  ],
  "agent/backup/": [
    "server/contract/",
    "agent/capture/",
    "agent/disk_references/",
    "agent/install/disk/",
    "agent/layout/",
    "agent/steps/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/import/": [
    "server/contract/",
    "server/tar/",
    "agent/backup/",
    "agent/capture/",
    "agent/layout/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/check/": [
    "server/contract/",
    "agent/install/",
    "agent/layout/",
    "agent/sys/",
    "agent/tree/",
  ],
  "agent/start/": [
    "boot/dhcp/",
    "boot/dhcp6/",
    "server/contract/",
    "server/plan/",
    "agent/backup/",
    "agent/hardware/",
    "agent/install/",
    "agent/layout/",
    "agent/steps/",
    "agent/sys/",
    "agent/tpm/",
    "boot/dhcp/",
  ],
  "agent/*": ["server/contract/", "agent/"],

  "scripts/": ["server/", "agent/", "boot/", "test/"],
  "test/": ["server/", "agent/", "boot/", "scripts/"],
};

const TOP_LEVEL = [
  "LICENSE",
  "README.md",
  "agent",
  "boot",
  "deno.json",
  "deno.lock",
  "main.ts",
  "scripts",
  "server",
  "test",
];

Deno.test("the top level holds only what the design names", async () => {
  const names = new Set((await projectFiles()).map((path) => path.split("/")[0] as string));
  assert.deepEqual([...names].filter((name) => !name.startsWith(".")).sort(), TOP_LEVEL);
});

Deno.test("every room imports only the rooms that its row names", async () => {
  const wrong: string[] = [];
  for (const path of await productFiles()) {
    const room = roomOf(path);
    for (const target of importsOf(path, await Deno.readTextFile(path))) {
      const allowed = [room, ...ROOMS[room] ?? []].some((may) => holds(may, target));
      if (!allowed) wrong.push(`${path} (${room}) imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("no row allows an import that its room does not use", async () => {
  const used = new Map<string, Set<string>>();
  for (const path of await productFiles()) {
    const room = roomOf(path);
    const targets = used.get(room) ?? new Set();
    for (const target of importsOf(path, await Deno.readTextFile(path))) targets.add(target);
    used.set(room, targets);
  }
  const idle = Object.entries(ROOMS).flatMap(([room, may]) => {
    const targets = [...used.get(room) ?? []];
    return may.filter((m) => !targets.some((target) => holds(m, target))).map((m) => `${room} → ${m}`);
  });
  assert.deepEqual(idle, []);
});

Deno.test("there are no import cycles, type imports included", async () => {
  const graph = new Map<string, string[]>();
  for (const path of await productFiles()) graph.set(path, importsOf(path, await Deno.readTextFile(path)));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    if (done.has(path) || trail.includes(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  assert.deepEqual(circles, []);
});

/** Tables may be long. */
const TABLES = ["server/contract/own_files/table.ts"];
const MAX_LINES = 450;
const MEDIAN_LINES = 120;

Deno.test("apart from tables, no file exceeds 450 lines, and half have at most 120", async () => {
  const lengths: [path: string, lines: number][] = [];
  for (const path of await sourceFiles()) {
    lengths.push([path, (await Deno.readTextFile(path)).split("\n").length - 1]);
  }
  const long = lengths.filter(([path, lines]) => lines > MAX_LINES && !TABLES.includes(path));
  assert.deepEqual(long, []);
  const median = lengths.map(([, lines]) => lines).sort((a, b) => a - b)[lengths.length >> 1] as number;
  assert.ok(median <= MEDIAN_LINES, `the median is ${median} lines`);
});

Deno.test("every room says in its README what comes in and what goes out", async () => {
  const files = new Set(await projectFiles());
  const folders = Object.keys(ROOMS).filter((room) => room.endsWith("/"));
  assert.deepEqual(folders.filter((folder) => !files.has(`${folder}README.md`)), []);
});

Deno.test("no object literal is spread into another, which would hide mistyped members from the compiler", async () => {
  const wrong: string[] = [];
  for (const path of await sourceFiles()) {
    const lines = (await Deno.readTextFile(path)).split("\n");
    lines.forEach((line, i) => /\.{3}\{/.test(line) && wrong.push(`${path}:${i + 1}`));
  }
  assert.deepEqual(wrong, []);
});

async function productFiles(): Promise<string[]> {
  return (await sourceFiles()).filter((path) => !/_test\.tsx?$/.test(path));
}

/** Whether a row's name covers the file. */
function holds(name: string, path: string): boolean {
  if (name.endsWith("/*")) return dirname(path) === name.slice(0, -2);
  return name.endsWith("/") ? path.startsWith(name) : path === name;
}

/** The innermost room of a file. */
function roomOf(path: string): string {
  const room = Object.keys(ROOMS).filter((name) => holds(name, path)).sort((a, b) => b.length - a.length)[0];
  assert.ok(room, `${path} is in no room: give its folder a row in ROOMS`);
  return room;
}
