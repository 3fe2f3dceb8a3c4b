import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Database } from "../store/engine.ts";
import { BucketObjects } from "../store/bucket_objects.ts";
import type { PublishedVersion } from "../store/versions.ts";
import { PackStore, type PackStoreOptions } from "./pack_store.ts";
import { MemoryBucket } from "./testing/memory_bucket.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const packOf = (text: string) => `packs/${sha256(text)}.pack`;

/** A data directory whose versions are as good as the store's, and a bucket. */
class Site implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "rackseed-packs-" });
  readonly db: Database = emptyDatabase();
  readonly bucket = new MemoryBucket();
  readonly notices = new Map<string, string>();
  readonly moved: string[] = [];
  readonly damaged: string[] = [];
  readonly inUse = new Set<string>();
  nowMs = 0;
  #versions: PublishedVersion[] = [];
  store!: PackStore;

  constructor(options: Partial<PackStoreOptions> = {}) {
    for (const name of ["packs", "versions", "staging"]) Deno.mkdirSync(`${this.folder}/${name}`);
    this.start(options);
  }

  [Symbol.dispose](): void {
    this.db.close();
    Deno.removeSync(this.folder, { recursive: true });
  }

  start(options: Partial<PackStoreOptions> = {}): void {
    this.store = new PackStore({
      bucket: this.bucket,
      objects: new BucketObjects(this.db),
      store: {
        allPublished: () => this.#versions,
        refs: () => this.#versions.map(({ image, version }) => `${image}@${version}`),
        useOf: ({ image, version }: { image: string; version: number }) =>
          this.inUse.has(`${image}@${version}`) ? "it is being deployed" : undefined,
        directory: { staging: `${this.folder}/staging`, roomBytes: () => 1e9 },
      } as unknown as PackStoreOptions["store"],
      notices: {
        set: (key, notice) =>
          void (notice ? this.notices.set(key, notice.problem) : this.notices.delete(key)),
      },
      cacheBytes: undefined,
      publicUrl: undefined,
      onDamage: (path) => void this.damaged.push(path),
      onMoved: (refs) => Promise.resolve(void this.moved.push(...refs)),
      signal: new AbortController().signal,
      now: () => this.nowMs,
      ...options,
    });
  }

  /** The content of a pack is its name here. */
  publish(ref: string, packs: readonly string[]): void {
    const [image = "", version = ""] = ref.split("@");
    const folder = `${this.folder}/versions/${ref}`;
    Deno.mkdirSync(folder);
    const payload = packs.map((text) => {
      const name = `${sha256(text)}.pack`, path = `${this.folder}/packs/${name}`;
      Deno.writeTextFileSync(path, text);
      return { name, path, sizeBytes: text.length };
    });
    const files = ["manifest.rsm", "torrent"].map((name) => {
      const text = `${name} of ${ref}`;
      Deno.writeTextFileSync(`${folder}/${name}`, text);
      return { name, sizeBytes: text.length, sha256: sha256(text) };
    });
    const manifest = { name: "manifest.rsm", path: `${folder}/manifest.rsm`, sizeBytes: 1 };
    const made = { image, version: Number(version), folder, files, payload: [manifest, ...payload] };
    this.#versions.push(made as unknown as PublishedVersion);
  }

  delete(ref: string): void {
    this.#versions = this.#versions.filter(({ image, version }) => `${image}@${version}` !== ref);
  }

  path(text: string): string {
    return `${this.folder}/${packOf(text)}`;
  }

  /** Whether the bucket has every pack that a manifest in it needs. */
  assertComplete(needs: Readonly<Record<string, readonly string[]>>): void {
    for (const [ref, packs] of Object.entries(needs)) {
      if (!this.bucket.objects.has(`versions/${ref}/manifest.rsm`)) continue;
      for (const pack of packs) assert.ok(this.bucket.objects.has(packOf(pack)), `${ref} lacks ${pack}`);
    }
  }
}

const hasFile = (path: string) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};

Deno.test("packs are stored before the manifest, and what is unused longest leaves the disk", async () => {
  using site = new Site({ cacheBytes: 6 });
  site.publish("web@1", ["aaaa", "bbbb"]);
  site.nowMs = 1;
  (await site.store.hold([site.path("aaaa")]))[Symbol.dispose]();
  await site.store.tick();
  assert.deepEqual(
    site.bucket.done.filter((what) => what.startsWith("upload")).at(-1),
    "upload versions/web@1/manifest.rsm",
  );
  assert.equal(hasFile(site.path("bbbb")), false);
  assert.equal(hasFile(site.path("aaaa")), true);
  assert.ok(site.store.isElsewhere(site.path("bbbb")));
  assert.deepEqual(site.moved, ["web@1"]);
  assert.match(site.store.urlOf(site.path("bbbb")) ?? "", /signed/);
});

Deno.test("packs that somebody reads, or that are being deployed, stay", async () => {
  using site = new Site({ cacheBytes: 0 });
  site.publish("web@1", ["aaaa"]);
  site.publish("web@2", ["bbbb"]);
  const hold = await site.store.hold([site.path("aaaa")]);
  site.inUse.add("web@2");
  await site.store.tick();
  assert.ok(hasFile(site.path("aaaa")) && hasFile(site.path("bbbb")));
  hold[Symbol.dispose]();
  site.inUse.clear();
  await site.store.tick();
  assert.ok(!hasFile(site.path("aaaa")) && !hasFile(site.path("bbbb")));
  using _ = await site.store.hold([site.path("aaaa")]);
  assert.equal(await Deno.readTextFile(site.path("aaaa")), "aaaa");
});

Deno.test("nothing leaves the disk while the bucket is full, and the reason is told until it has room", async () => {
  using site = new Site({ cacheBytes: 0 });
  site.publish("web@1", ["aaaa"]);
  site.bucket.fails = (what) => what.startsWith("upload") ? "full" : undefined;
  await site.store.tick();
  assert.match(site.notices.get("pack store") ?? "", /full/);
  assert.ok(hasFile(site.path("aaaa")));
  assert.equal(site.store.view().isSettled, false);
  site.bucket.fails = () => undefined;
  await site.store.tick();
  assert.equal(site.notices.size, 0);
  assert.ok(site.store.view().isSettled);
});

Deno.test("a refused removal is told, keeps the manifest's packs, and is tried again at the next start only", async () => {
  using site = new Site();
  site.publish("web@1", ["aaaa"]);
  site.publish("web@2", ["bbbb"]);
  await site.store.tick();
  site.delete("web@1");
  site.bucket.fails = (what) => what === "remove versions/web@1/manifest.rsm" ? "refused" : undefined;
  let tries = 0;
  const { fails } = site.bucket;
  site.bucket.fails = (what) => {
    if (what.startsWith("remove versions/web@1/manifest")) tries++;
    return fails(what);
  };
  for (let i = 0; i < 5; i++) await site.store.tick();
  assert.equal(tries, 1);
  assert.match(site.notices.get("pack store removals") ?? "", /web@1\/manifest\.rsm/);
  assert.ok(site.bucket.objects.has(packOf("aaaa")));
  site.bucket.fails = () => undefined;
  site.start();
  await site.store.tick();
  assert.deepEqual([...site.bucket.objects.keys()].filter((key) => /web@1|packs/.test(key)), [
    packOf("bbbb"),
  ]);
  assert.equal(site.notices.has("pack store removals"), false);
});

Deno.test("what the bucket loses is uploaded again from the disk, or told", async () => {
  using site = new Site({ cacheBytes: 4 });
  site.publish("web@1", ["aaaa", "bbbb"]);
  await site.store.tick();
  const [gone = "", here = ""] = ["aaaa", "bbbb"].toSorted((a) => hasFile(site.path(a)) ? 1 : -1);
  for (const text of [gone, here]) site.bucket.objects.delete(packOf(text));
  site.nowMs += 3600_001;
  await site.store.tick();
  assert.ok(site.bucket.objects.has(packOf(here)));
  assert.deepEqual(site.store.view().lost, [packOf(gone)]);
  assert.match(site.notices.get("pack store losses") ?? "", /no longer has/);
  // put back by hand
  site.bucket.objects.set(packOf(gone), new TextEncoder().encode(gone));
  site.nowMs += 3600_001;
  await site.store.tick();
  assert.deepEqual(site.store.view().lost, []);
});

Deno.test("other bytes in the bucket never reach the disk", async () => {
  using site = new Site({ cacheBytes: 0 });
  site.publish("web@1", ["aaaa"]);
  await site.store.tick();
  site.bucket.objects.set(packOf("aaaa"), new TextEncoder().encode("evil"));
  await assert.rejects(site.store.hold([site.path("aaaa")]), /corrupt/);
  assert.equal(hasFile(site.path("aaaa")), false);
  assert.deepEqual([...Deno.readDirSync(`${site.folder}/staging`)], []);
});

Deno.test("a damaged local pack is told and not uploaded, and does not keep other versions from it", async () => {
  using site = new Site({ cacheBytes: 0 });
  site.publish("web@1", ["aaaa"]);
  site.publish("web@2", ["bbbb"]);
  await Deno.writeTextFile(site.path("aaaa"), "aaab");
  await site.store.tick();
  assert.deepEqual(site.damaged, [site.path("aaaa")]);
  assert.ok(hasFile(site.path("aaaa")));
  assert.deepEqual([...site.bucket.objects.keys()].filter((key) => /manifest|packs/.test(key)), [
    packOf("bbbb"),
    "versions/web@2/manifest.rsm",
  ]);
});

Deno.test("a place that is not empty is not taken", async () => {
  using site = new Site();
  site.bucket.objects.set("packs/other", new Uint8Array());
  site.publish("web@1", ["aaaa"]);
  await site.store.tick();
  assert.match(site.notices.get("pack store") ?? "", /is there already/);
  assert.deepEqual([...site.bucket.objects.keys()], ["packs/other"]);
});

Deno.test("all packs come back before anything leaves the bucket, and then the bucket is empty", async () => {
  using site = new Site({ cacheBytes: 0 });
  site.publish("web@1", ["aaaa", "bbbb"]);
  await site.store.tick();
  site.store.moveTo("local");
  site.bucket.fails = (what) => what === `download ${packOf("bbbb")}` ? "unreachable" : undefined;
  await site.store.tick();
  assert.equal(site.bucket.objects.size, 4);
  site.bucket.fails = () => undefined;
  await site.store.tick();
  assert.equal(site.bucket.objects.size, 0);
  assert.ok(hasFile(site.path("aaaa")) && hasFile(site.path("bbbb")));
  assert.ok(site.store.view().isSettled);
});

for (const crashes of ["before", "after"] as const) {
  Deno.test(`a crash ${crashes} any operation leaves no manifest without its packs, and the next start goes on`, async () => {
    const needs = { "web@1": ["aaaa", "bbbb"], "web@2": ["bbbb", "cccc"] };
    let crashed = 0;
    for (let at = 1; at <= 30; at++) {
      using site = new Site();
      site.bucket.crashes = crashes;
      for (const [ref, packs] of Object.entries(needs)) site.publish(ref, packs);
      site.bucket.crashAt = at;
      const round = async () => {
        await site.store.tick();
        site.assertComplete(needs);
      };
      await round();
      site.delete("web@1");
      await round();
      if (site.bucket.hasCrashed) crashed++;
      // the process is gone, and with it what only it knew
      site.bucket.restart();
      site.start();
      await round();
      await round();
      const left = [...site.bucket.objects.keys()].sort();
      const wanted = [
        "versions/web@2/manifest.rsm",
        "versions/web@2/torrent",
        packOf("bbbb"),
        packOf("cccc"),
      ];
      assert.deepEqual(left, wanted.sort(), `crash ${crashes} operation ${at}`);
      // what began in the moment of the crash has no name here: a lifecycle rule removes it
      assert.ok(site.bucket.begun.size <= (crashes === "after" ? 1 : 0));
    }
    assert.ok(crashed > 15, `${crashed}`);
  });
}
