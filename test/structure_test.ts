import assert from "node:assert/strict";
import { dirname } from "node:path/posix";
import { ROOMS } from "./support/rooms.ts";
import { importsOf, projectFiles, sourceFiles } from "./support/source_files.ts";

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

Deno.test("no file holds the marks of an unfinished merge", async () => {
  const held: string[] = [];
  for (const path of await projectFiles()) {
    if (/^(<{7}|>{7}) /m.test(await Deno.readTextFile(path))) held.push(path);
  }
  assert.deepEqual(held, []);
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
const TABLES = ["server/contract/own_files/table.ts", "server/cli/settings.ts"];
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
