import assert from "node:assert/strict";
import { z } from "zod";
import { ImageChange } from "#contract/api.ts";
import { AuditPage } from "#contract/api/audit.ts";
import { DiffFolder, FileDetails, FileView, FoundFiles, TextDiff } from "#contract/api/files.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

const base64url = (text: string) => Buffer.from(text, "latin1").toString("base64url");

Deno.test("the files of a version are listed, searched, shown and fetched", async (t) => {
  await using test = await ServerUnderTest.start();
  const { client, folder } = test, root = `${folder}/tree`;
  await makeSmallTree(root);
  await Deno.writeTextFile(`${root}/etc/secret`, "old\nsame\n", { mode: 0o600 });
  await test.publish("web", { root });
  const files = (query: string) => client.get(`/images/web/files?${query}`, z.array(FileView));
  const show = (query: string) => client.get(`/images/web/file?${query}`, FileDetails);
  const fetched = async (query: string) =>
    new Uint8Array(await (await client.send("GET", `/images/web/content?${query}`)).arrayBuffer());

  await t.step("a folder lists its own entries, with the bytes of their names", async () => {
    const all = await files("");
    const odd = all.find(({ path }) => typeof path === "object");
    assert.equal(odd?.name, "latin1-\\xe4 name\\x0awith a line end");
    assert.deepEqual(odd.path, {
      base64: Buffer.from("latin1-\xe4 name\nwith a line end", "latin1").toString("base64"),
    });
    const view = (name: string) => all.find((one) => one.name === name);
    assert.equal(view("srv")?.below?.entries, 203);
    assert.equal(view("sticky")?.mode, 0o1777);
    assert.equal(view("dangling")?.target, "/nowhere");
    assert.deepEqual([view("two")?.type, view("two")?.target, view("two")?.sizeBytes], ["link", "one", 6]);
    assert.deepEqual([view("one")?.mtimeSec, view("one")?.mtimeNs], [946_684_799, 123_456_789]);
    assert.deepEqual(all.map(({ name }) => name).filter((name) => name.includes("deep")), []);
    await assert.rejects(files("path=etc/hostname"), { status: 409 });
    await assert.rejects(files("path=etc/nothing"), { status: 404 });
    await assert.rejects(files("path=etc/../etc"), { status: 400 });
    await assert.rejects(files("path=a&path64=YQ"), { status: 400 });
    await assert.rejects(files("paths=a"), { status: 400 });
  });

  await t.step("pages of a folder give each of its entries once", async () => {
    const names: string[] = [];
    let next: string | undefined = "/images/web/files?path=/srv/deep/&limit=60";
    while (next !== undefined) {
      const response = await client.send("GET", next);
      const page = z.array(FileView).parse(await response.json());
      assert.ok(page.length <= 60);
      names.push(...page.map(({ name }) => name));
      next = /<\/api\/v1([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    }
    const there = [...Deno.readDirSync(`${root}/srv/deep`)].map(({ name }) => name).sort();
    assert.deepEqual(names, there);
  });

  await t.step("a search finds names by a part or a pattern, up to a limit", async () => {
    const find = async (query: string) => {
      const { found, isCut } = await client.get(`/images/web/find?${query}`, FoundFiles);
      return [...found.map(({ path }) => path), isCut];
    };
    assert.deepEqual(await find("name=HOST"), ["etc/hostname", false]);
    assert.deepEqual(await find("name=19%3F&path=srv&limit=2"), ["srv/deep/190", "srv/deep/191", true]);
    assert.deepEqual(await find("name=hostname&path=srv"), [false]);
  });

  await t.step("a file's content is what was captured, holes and odd names included", async () => {
    for (const name of ["etc/hostname", "srv/large", "sparse", "empty"]) {
      assert.deepEqual(await fetched(`path=${name}`), await Deno.readFile(`${root}/${name}`), name);
    }
    assert.equal(new TextDecoder().decode(await fetched("path=/link")), "web\n");
    assert.equal(new TextDecoder().decode(await fetched("path=two")), "shared");
    const odd = await client.send(
      "GET",
      `/images/web/content?path64=${base64url("latin1-\xe4 name\nwith a line end")}`,
    );
    assert.equal(await odd.text(), "x");
    assert.equal(
      odd.headers.get("content-disposition"),
      `attachment; filename="latin1-_ name_with a line end"; filename*=UTF-8''latin1-%E4%20name%0Awith%20a%20line%20end`,
    );
    await assert.rejects(fetched("path=etc"), { status: 409 });
    await assert.rejects(fetched("path=dangling"), { status: 404 });
    const sparse = await show("path=sparse");
    assert.equal(sparse.sizeBytes, 20 * 2 ** 20 + 3);
    assert.ok((sparse.storedBytes ?? 0) < 2 ** 20);
    assert.equal((await show("path=link")).leadsTo, "etc/hostname");
  });

  await t.step("what was read is in the audit log", async () => {
    const { entries } = await client.get("/audit?limit=100", AuditPage);
    const read = entries.filter(({ action }) => action === "image.read");
    assert.deepEqual(read.map(({ subject }) => subject).includes("/etc/hostname"), true);
    assert.deepEqual(read.find(({ subject }) => subject === "/etc")?.outcome?.result, "refused");
    assert.deepEqual(read[0]?.images, ["web"]);
  });

  await t.step("two versions are compared as a tree, and a file of them as text", async () => {
    await Deno.writeTextFile(`${root}/etc/secret`, "new\nsame\n");
    await Deno.writeTextFile(`${root}/srv/deep/new`, "1\n");
    await Deno.remove(`${root}/srv/deep/7`);
    await test.publish("web", { root });
    const flat = await client.get("/images/web@1/diff/web", z.array(ImageChange));
    assert.deepEqual(flat.filter(({ change }) => change !== "attributes").map(({ path }) => path), [
      ...["etc/secret", "srv/deep/7", "srv/deep/new"],
    ]);
    const diff = (query: string) => client.get(`/images/web@1/diff/web@2/folder?${query}`, DiffFolder);
    const whole = await diff("kinds=content,added,removed");
    assert.equal(whole.changes, flat.length);
    assert.deepEqual(whole.rows.map(({ name, below }) => [name, below?.counts.content ?? 0]), [["etc", 1], [
      "srv",
      0,
    ]]);
    const { rows } = await diff("path=etc");
    assert.deepEqual(rows.map(({ name, isPrivate }) => [name, isPrivate]), [["secret", true]]);
    await assert.rejects(diff("kinds=color"), { status: 400 });
    await assert.rejects(diff("path=nothing"), { status: 404 });
    const text = (path: string) => client.get(`/images/web@1/diff/web@2/text?path=${path}`, TextDiff);
    assert.equal(
      (await text("etc/secret")).diff.split("\n").slice(2).join("|"),
      "@@ -1,2 +1,2 @@|-old|+new| same|",
    );
    assert.match((await text("srv/deep/new")).diff, /^\+1$/m);
    await assert.rejects(text("srv/large"), { status: 409 });
    await assert.rejects(text("nothing"), { status: 404 });
  });

  await t.step("a damaged pack is told with its status, before any byte", async () => {
    for (const { name } of Deno.readDirSync(`${folder}/data/packs`)) {
      if (name.endsWith(".part")) continue;
      const path = `${folder}/data/packs/${name}`, size = Deno.statSync(path).size;
      using file = await Deno.open(path, { write: true });
      await file.write(new Uint8Array(size));
    }
    await assert.rejects(fetched("path=etc/hostname"), {
      status: 410,
      title: "the server's copy of web@2 is damaged",
    });
  });
});
