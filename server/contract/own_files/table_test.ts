import assert from "node:assert/strict";
import { ImageSettings } from "../api/restore.ts";
import { OwnPatterns } from "./pattern.ts";
import { OWN_FILES } from "./table.ts";
import { ownFilesDocument } from "./testing/own_files_document.ts";

Deno.test("OWN_FILES.md matches the table; RACKSEED_GOLDEN=write updates it", async () => {
  const file = new URL("./OWN_FILES.md", import.meta.url);
  if (Deno.env.get("RACKSEED_GOLDEN") === "write") await Deno.writeTextFile(file, ownFilesDocument());
  // the formatter breaks lines
  const shown = (text: string) => text.replace(/\s+/g, " ").trim();
  assert.equal(shown(await Deno.readTextFile(file)), shown(ownFilesDocument()));
});

Deno.test("no path is in two rows, and each is absolute and confined", () => {
  const seen = new Map<string, string>();
  for (const { what, paths } of OWN_FILES) {
    for (const path of paths) {
      assert.match(path, /^(\/[^/]+)+$/);
      assert.doesNotMatch(path, /\/\.{1,2}(\/|$)|\*\*/);
      assert.equal(seen.get(path), undefined, `${path} is in "${what}" and in an earlier row`);
      seen.set(path, what);
    }
  }
});

Deno.test("a star matches within one component, and a match covers everything below it", () => {
  const patterns = new OwnPatterns(["/etc/docker/key.json", "/var/lib/*beat/meta.json", "/var/lib/nfs/sm/*"]);
  const cases: [string, boolean, boolean][] = [
    ["etc/docker/key.json", true, true],
    ["etc/docker", false, false],
    ["etc/docker/key.json/x", false, true],
    ["var/lib/filebeat/meta.json", true, true],
    ["var/lib/a/filebeat/meta.json", false, false],
    ["var/lib/nfs/sm/web", true, true],
    ["var/lib/nfs/sm", false, false],
    ["", false, false],
  ];
  for (const [path, matches, has] of cases) {
    assert.deepEqual([patterns.matches(path), patterns.has(path)], [matches, has], path);
  }
});

Deno.test("a site can add what belongs to a single machine, and nothing that a clone needs to start", () => {
  const own = (path: string) => ImageSettings.safeParse({ own: [path] }).success;
  for (
    const path of ["/etc/agent/id", "/opt/agent/state/", "/var/lib/agent", "/etc/ssh/agent_key", "/srv/id"]
  ) {
    assert.ok(own(path), path);
  }
  for (
    const path of [
      ...["/", "etc/agent/id", "/etc/../etc/passwd", "/etc", "/etc/", "/var", "/var/lib", "/usr/lib/agent"],
      ...[
        "/etc/passwd",
        "/etc/pam.d",
        "/etc/pam.d/sshd",
        "/etc/ssh",
        "/boot",
        "/var/lib/dpkg/status",
        "/home",
      ],
    ]
  ) {
    assert.ok(!own(path), path);
  }
  assert.deepEqual(ImageSettings.parse({ own: ["/opt/agent/state/"] }), { own: ["/opt/agent/state"] });
});
