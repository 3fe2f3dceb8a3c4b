import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { sendTree } from "../capture/testing/sender.ts";
import { openTestServer } from "../capture/testing/service.ts";
import { generatedTree } from "../capture/testing/tree.ts";
import { openDatabase } from "./database.ts";
import { openSigningKey } from "./keys.ts";
import { DataDirectory } from "./data_directory.ts";
import { databaseRefusal, strangerRefusal } from "./start_check.ts";

const SQLITE = "SQLite format 3\0";
const cases: [what: string, head: string | undefined, written: string[], refused: RegExp | undefined][] = [
  ["a new directory", undefined, [], undefined],
  ["a first start that was cut off", "", [], undefined],
  ["a sound database", SQLITE, ["versions/ holds 2 versions"], undefined],
  [
    "an emptied database next to versions",
    "",
    ["versions/ holds 2 versions"],
    /is empty, but versions\/ holds/,
  ],
  ["a lost database next to a key", undefined, ["keys/ holds 1 signing key"], /is missing, but keys\//],
  ["a database of another format", "PK\x03\x04", [], /not an SQLite database/],
];

for (const [what, databaseHead, written, refused] of cases) {
  Deno.test(`${what} is ${refused ? "refused, with the remedy" : "opened"}`, () => {
    const refusal = databaseRefusal("/data", { databaseHead, written });
    if (refused === undefined) return assert.equal(refusal, undefined);
    assert.match(refusal?.reason ?? "", refused);
    assert.match(refusal?.remedy ?? "", /server restore FILE --data \/data/);
  });
}

Deno.test("versions unknown to the database are refused; next to known ones they stay", () => {
  const strays = ["versions/web@1", "versions/web@2"];
  assert.match(strangerRefusal("/data", { known: 0, strays })?.reason ?? "", /web@1 and 1 more/);
  assert.equal(strangerRefusal("/data", { known: 1, strays }), undefined);
  assert.equal(strangerRefusal("/data", { known: 0, strays: [] }), undefined);
});

const losses: [what: string, lose: (data: string) => void][] = [
  ["is emptied", (data) => Deno.truncateSync(`${data}/rackseed.db`)],
  ["is deleted", (data) => {
    for (const { name } of [...Deno.readDirSync(data)]) {
      if (name.startsWith("rackseed.db")) Deno.removeSync(`${data}/${name}`);
    }
  }],
  ["has lost its tables", (data) => {
    Deno.removeSync(`${data}/rackseed.db`);
    openDatabase(`${data}/rackseed.db`).close();
  }],
];

for (const [what, lose] of losses) {
  Deno.test(`a server whose database ${what} refuses to start, and every version stays`, async () => {
    const data = await publishedData();
    try {
      lose(data);
      const before = listing(data);
      await assert.rejects(openTestServer(data), (error) => {
        assert.ok(error instanceof RackseedError);
        return /server restore/.test(error.remedy);
      });
      assert.deepEqual(listing(data), before);
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  });
}

Deno.test("a version unknown to an older database stays, and its number is not used again", async () => {
  const data = await publishedData();
  try {
    const older = Deno.readFileSync(`${data}/rackseed.db`);
    {
      await using server = await openTestServer(data);
      assert.equal((await capture(server, "second")).version, 2);
    }
    Deno.writeFileSync(`${data}/rackseed.db`, older);
    await using server = await openTestServer(data);
    assert.equal(server.store.strays.length, 2, server.store.strays.join());
    assert.equal((await capture(server, "third")).version, 3);
    assert.ok(Deno.statSync(`${data}/versions/web@2/manifest.rsm`).isFile);
    for (const stray of server.store.strays) assert.ok(Deno.statSync(`${data}/${stray}`));
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test("a signing key is never created next to versions that another one signed", async () => {
  const data = await publishedData();
  try {
    const directory = new DataDirectory(data);
    let signed: { image: string; version: number; id: string; signature: string }[];
    {
      await using server = await openTestServer(data);
      signed = server.store.allPublished();
    }
    const path = `${data}/keys/signing.pem`;
    await openSigningKey(directory, { signed });
    const key = Deno.readTextFileSync(path);
    Deno.removeSync(path);
    await assert.rejects(openSigningKey(directory, { signed }), /is missing, but web@1 was signed/);
    assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
    Deno.writeTextFileSync(path, key.slice(0, 60));
    await assert.rejects(openSigningKey(directory, { signed }), /is damaged/);
    Deno.removeSync(path);
    await openSigningKey(directory);
    await assert.rejects(openSigningKey(directory, { signed }), /is not the key that signed web@1/);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

async function publishedData(): Promise<string> {
  const data = await Deno.makeTempDir({ prefix: "rackseed-start-" });
  await using server = await openTestServer(data);
  assert.equal((await capture(server, "first")).version, 1);
  return data;
}

async function capture({ service, ended }: Awaited<ReturnType<typeof openTestServer>>, seed: string) {
  const { id } = service.begin({ image: "web", level: 3, excludes: [] });
  await sendTree(service, id, generatedTree({ seed, sizes: [50_000] }));
  return await ended(id);
}

/** Path and size of all but the database's own files. */
function listing(data: string): string[] {
  const walk = (path: string): string[] =>
    [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) =>
      isDirectory ? walk(`${path}/${name}`) : `${path}/${name} ${Deno.statSync(`${path}/${name}`).size}`
    );
  return walk(data).filter((line) => !line.includes("rackseed.db")).sort();
}
