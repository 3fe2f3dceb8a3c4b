import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { differenceOf, Journal, type JournalRecord, readJournal } from "./journal.ts";

const record: JournalRecord = {
  format: "rackseed-journal",
  formatVersion: 1,
  node: "n1",
  image: "web@3",
  manifest: "a".repeat(64),
  plan: "b".repeat(64),
};

async function inTemporary(use: (target: string) => void | Promise<void>): Promise<void> {
  const target = await Deno.makeTempDir();
  try {
    await use(target);
  } finally {
    await Deno.remove(target, { recursive: true });
  }
}

/** Puts a journal's place there as an untrusted disk might have it. */
function plant(target: string, text: string): void {
  Deno.mkdirSync(`${target}/.rackseed-install`);
  Deno.writeTextFileSync(`${target}/.rackseed-install/journal.json`, text);
}

Deno.test("a journal exists until it ends, and leaves the root as it was", () =>
  inTemporary((target) => {
    Deno.utimeSync(target, 1000, 1000);
    assert.deepEqual(readJournal(target), { state: "none" });
    Deno.utimeSync(target, 1000, 1000);
    const journal = Journal.keep(target, record);
    assert.deepEqual(readJournal(target), { state: "found", record });
    assert.equal(Deno.statSync(`${target}/.rackseed-install`).mode! & 0o777, 0o700);
    Deno.mkdirSync(journal.packs);
    Deno.utimeSync(target, 1000, 1000);
    journal.end();
    assert.deepEqual([...Deno.readDirSync(target)], []);
    assert.equal(Deno.statSync(target).mtime?.getTime(), 1_000_000);
  }));

Deno.test("a released journal is taken over, one that is held is not", () =>
  inTemporary((target) => {
    {
      using _journal = Journal.keep(target, record);
      assert.throws(() => Journal.keep(target, record), (error) => {
        assert.ok(error instanceof RackseedError);
        assert.match(error.reason, /another process is installing there/);
        return true;
      });
    }
    using _again = Journal.keep(target, { ...record, node: "n2" });
    assert.deepEqual(readJournal(target), { state: "found", record: { ...record, node: "n2" } });
  }));

const bad: { name: string; text: string; says: RegExp }[] = [
  { name: "is cut off", text: JSON.stringify(record).slice(0, 60), says: /something else/ },
  { name: "is empty", text: "", says: /something else/ },
  { name: "is of a later format", text: JSON.stringify({ ...record, formatVersion: 2 }), says: /else/ },
  { name: "has an unknown member", text: JSON.stringify({ ...record, run: "sh" }), says: /something else/ },
  { name: "has a path for a hash", text: JSON.stringify({ ...record, plan: "../x" }), says: /else/ },
  { name: "is endless", text: " ".repeat(5000) + JSON.stringify(record), says: /too long/ },
];
for (const { name, text, says } of bad) {
  Deno.test(`a journal that ${name} cannot be read, and is no reason to stop`, () =>
    inTemporary((target) => {
      plant(target, text);
      const found = readJournal(target);
      assert.ok(found.state === "unreadable");
      assert.match(found.reason, says);
    }));
}

Deno.test("no link leads to a journal elsewhere, and no FIFO blocks the reader", () =>
  inTemporary((target) => {
    plant(target, "");
    const place = `${target}/.rackseed-install`, file = `${place}/journal.json`;
    Deno.writeTextFileSync(`${target}/elsewhere.json`, JSON.stringify(record));
    Deno.removeSync(file);
    Deno.symlinkSync("../elsewhere.json", file);
    assert.equal(readJournal(target).state, "unreadable");
    Deno.removeSync(file);
    new Deno.Command("mkfifo", { args: [file] }).outputSync();
    assert.equal(readJournal(target).state, "unreadable");
    Deno.removeSync(place, { recursive: true });
    Deno.mkdirSync(`${target}/real`);
    Deno.writeTextFileSync(`${target}/real/journal.json`, JSON.stringify(record));
    Deno.symlinkSync("real", place);
    assert.equal(readJournal(target).state, "unreadable");
    assert.throws(() => Journal.keep(target, record), RackseedError);
  }));

Deno.test("a half-written record never takes the place of a whole one", () =>
  inTemporary((target) => {
    plant(target, JSON.stringify(record));
    Deno.writeTextFileSync(`${target}/.rackseed-install/journal.json.new`, '{"for');
    assert.deepEqual(readJournal(target), { state: "found", record });
    using _journal = Journal.keep(target, { ...record, node: "n2" });
    const left = [...Deno.readDirSync(`${target}/.rackseed-install`)].map((e) => e.name);
    assert.deepEqual(left, ["journal.json"]);
  }));

const others: { what: Partial<JournalRecord>; says: RegExp | undefined }[] = [
  { what: {}, says: undefined },
  {
    what: { manifest: "c".repeat(64), image: "web@2" },
    says: /web@2 was being installed there, and web@3 is ordered/,
  },
  // a version that was removed and captured again has the same name
  { what: { manifest: "c".repeat(64) }, says: /web@3 was being installed there/ },
  { what: { node: "n2" }, says: /the node n2 was .*n1 is ordered/ },
  { what: { plan: "c".repeat(64) }, says: /it had another plan/ },
];
for (const { what, says } of others) {
  Deno.test(`a journal with ${Object.keys(what).join(" and ") || "nothing"} different`, () => {
    const difference = differenceOf({ ...record, ...what }, record);
    if (says === undefined) assert.equal(difference, undefined);
    else assert.match(difference ?? "", says);
  });
}
