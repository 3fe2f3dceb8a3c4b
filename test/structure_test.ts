import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path/posix";

/** [folder, what files in it may import]; the first folder that holds a file decides. */
const RULES: [folder: string, may: string[]][] = [
  ["server/contract/", ["server/contract/"]],
  ["server/swarm/", ["server/contract/", "server/swarm/"]],
  ["server/rsync/", ["server/contract/", "server/rsync/"]],
  ["server/store/", ["server/contract/", "server/store/"]],
  ["server/capture/", ["server/contract/", "server/store/", "server/capture/"]],
  ["server/cli/", ["server/contract/", "server/cli/"]],
  ["server/", ["server/", "boot/"]],
  ["boot/dhcp/", ["server/contract/", "boot/dhcp/", "boot/*"]],
  ["boot/tftp/", ["server/contract/", "boot/tftp/", "boot/*"]],
  ["boot/", ["server/contract/", "boot/"]],
  ["agent/sys/", ["server/contract/", "agent/sys/"]],
  ["agent/", ["server/contract/", "agent/"]],
  ["scripts/", [""]],
  ["test/", [""]],
  ["main.ts", [""]],
];

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

async function committed(): Promise<string[]> {
  const { stdout } = await new Deno.Command("git", { args: ["ls-files", "-co", "--exclude-standard"] })
    .output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}

Deno.test("the top level holds what the design names and nothing else", async () => {
  const names = new Set((await committed()).map((path) => path.split("/")[0] as string));
  assert.deepEqual([...names].filter((name) => !name.startsWith(".")).sort(), TOP_LEVEL);
});

Deno.test("imports point inward: agent and boot know the contract only, services never one another", async () => {
  const wrong: string[] = [];
  for (const path of (await committed()).filter((p) => /\.tsx?$/.test(p) && !/_test\.tsx?$/.test(p))) {
    const may = RULES.find(([folder]) => path.startsWith(folder))?.[1];
    assert.ok(may, `${path} lies in no known folder`);
    for (const target of importsOf(path, await Deno.readTextFile(path))) {
      if (!may.some((m) => m.endsWith("/*") ? dirname(target) === m.slice(0, -2) : target.startsWith(m))) {
        wrong.push(`${path} imports ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("no object literal is spread into another: that would hide mistyped members from the compiler", async () => {
  const wrong: string[] = [];
  for (const path of (await committed()).filter((p) => /\.tsx?$/.test(p))) {
    const lines = (await Deno.readTextFile(path)).split("\n");
    lines.forEach((line, i) => /\.{3}\{/.test(line) && wrong.push(`${path}:${i + 1}`));
  }
  assert.deepEqual(wrong, []);
});

/** What a build makes is no module of ours. */
const BUILT = /^(\.cache|dist)\//;

function importsOf(path: string, text: string): string[] {
  const specifiers = text.matchAll(/(?:from|import|new URL)\s*\(?\s*"((?:\.{1,2}|#contract)\/[^"]+)"/g);
  return [...specifiers].map(([, s]) =>
    s?.startsWith("#contract/")
      ? s.replace("#contract/", "server/contract/")
      : relative(".", join(dirname(path), s as string))
  ).filter((target) => !BUILT.test(target));
}
