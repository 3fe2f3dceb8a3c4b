import assert from "node:assert/strict";
import type { BytePath } from "#contract/format/byte_path.ts";
import { compileExcludes } from "../tree/excludes.ts";
import { OwnNotes } from "./own_notes.ts";
import { TreeSource } from "./tree_source.ts";

const notesOf = (paths: readonly string[]) => {
  const own = new OwnNotes();
  for (const path of paths) own.see(path as BytePath);
  return own.notes;
};

Deno.test("a template with nothing to act on has no notes", () => {
  assert.deepEqual(
    notesOf([
      "",
      "etc/hostname",
      "etc/iscsi/initiatorname.iscsi",
      "etc/munge/munge.key",
      "etc/krb5.keytab/x",
    ]),
    [],
  );
});

Deno.test("one note names up to three paths of its kind, and counts the rest", () => {
  const notes = notesOf([
    "etc/krb5.keytab",
    ...["a", "b", "c", "d", "e"].map((name) => `etc/wireguard/${name}.conf`),
  ]);
  assert.equal(notes.length, 2);
  assert.match(notes[0] ?? "", /^no clone has the template's Kerberos keytab.* \(\/etc\/krb5\.keytab\)$/);
  assert.match(notes[1] ?? "", /\/etc\/wireguard\/a\.conf, .*\/c\.conf and 2 more\)$/);
});

Deno.test("a template's capture has the note, a backup, which returns to its own machine, has not", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/etc/wireguard`, { recursive: true });
    await Deno.writeTextFile(`${root}/etc/wireguard/wg0.conf`, "PrivateKey = x\n");
    await Deno.writeTextFile(`${root}/etc/krb5.keytab`, "x");
    const sink = {
      take: () => "A".repeat(43),
      room: (sizeBytes: number) => new Uint8Array(sizeBytes),
      full: false,
      drained: () => Promise.resolve(),
    };
    const notes = async (isTemplate: boolean) => {
      const excludes = compileExcludes(["/etc/krb5.keytab"]);
      const tree = new TreeSource(root, { excludes, mountPoints: [], isTemplate });
      const { signal } = new AbortController();
      await Array.fromAsync(tree.entries(sink, { signal, onProgress: () => {} }));
      return tree.notes;
    };
    const noted = await notes(true);
    assert.equal(noted.length, 1, "an excluded file needs no note");
    assert.match(noted[0] ?? "", /private key of the template's tunnel.*\(\/etc\/wireguard\/wg0\.conf\)/);
    assert.deepEqual(await notes(false), []);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
