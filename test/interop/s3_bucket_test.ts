/** The bucket's client against real S3 servers. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { faultOf } from "../../server/bucket/bucket_error.ts";
import { S3Bucket } from "../../server/bucket/s3_bucket.ts";
import { BUCKET, CREDENTIALS, type S3Server, startMoto, startSeaweed } from "../support/s3_servers.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const MEGABYTE = 1 << 20;
const { signal } = new AbortController();

function bucketOf(
  server: S3Server,
  { secretKey = CREDENTIALS.secretKey, bucket = BUCKET, endpoint = server.endpoint } = {},
): S3Bucket {
  return new S3Bucket(
    { endpoint, region: "us-east-1", bucket, prefix: "site 1/", addressing: "path" },
    { credentials: () => ({ ...CREDENTIALS, secretKey }) },
  );
}

async function file(
  folder: string,
  bytes: Uint8Array,
): Promise<{ path: string; sha256: string; sizeBytes: number }> {
  const path = `${folder}/${crypto.randomUUID()}`;
  await Deno.writeFile(path, bytes);
  return { path, sha256: createHash("sha256").update(bytes).digest("hex"), sizeBytes: bytes.length };
}

const faultIn = (work: Promise<unknown>) =>
  work.then(() => "none", (error) => faultOf(error) ?? String(error));

for (
  const { name, start, checksSignatures } of [
    { name: "SeaweedFS", start: startSeaweed, checksSignatures: true },
    { name: "moto", start: startMoto, checksSignatures: false },
  ]
) {
  Deno.test(`objects go to ${name} and come back, whole and by ranges`, async (t) => {
    await using server = await start();
    if (server === undefined) return;
    const folder = await Deno.makeTempDir();
    await using _ = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
    using bucket = bucketOf(server);
    const content = randomBytes(20 * MEGABYTE), key = "versions/a-b_c.d@1/vmlinuz+(x)";
    const source = await file(folder, content);

    await t.step("a file of two parts is stored, listed, and read back", async () => {
      await bucket.upload(key, { ...source, onBegin: () => {}, signal });
      assert.deepEqual(await Array.fromAsync(bucket.list("", signal)), [{ key, sizeBytes: content.length }]);
      await bucket.download(key, { ...source, path: `${folder}/back`, signal });
      assert.ok(content.equals(await Deno.readFile(`${folder}/back`)));
    });

    await t.step("an empty file is stored", async () => {
      const empty = await file(folder, new Uint8Array());
      await bucket.upload("empty", { ...empty, onBegin: () => {}, signal });
      await bucket.download("empty", { ...empty, path: `${folder}/empty`, signal });
    });

    await t.step("an upload goes on where another process left it, and sends no part twice", async () => {
      const stop = new AbortController();
      let begun: { uploadId: string } | undefined;
      let cuts = 0, parts = 0;
      // the first part never gets through; while it is tried again, the second one is stored
      await using cut = new TcpProxy(server.endpoint, (chunk) => {
        if (!headOf(chunk).includes("partNumber=1&")) return;
        if (++cuts === 3) stop.abort(new Error("the process died"));
        throw new Error("the line is cut");
      });
      using slow = bucketOf(server, { endpoint: cut.url });
      const first = slow.upload("resumed", {
        ...source,
        onBegin: (progress) => begun = progress,
        signal: stop.signal,
      });
      await assert.rejects(first);
      assert.ok(begun);
      await using counting = new TcpProxy(server.endpoint, (chunk) => {
        if (headOf(chunk).includes("partNumber=")) parts++;
      });
      using second = bucketOf(server, { endpoint: counting.url });
      await second.upload("resumed", {
        ...source,
        resume: begun,
        onBegin: () => assert.fail("it began again"),
        signal,
      });
      assert.equal(parts, 1);
      await bucket.download("resumed", { ...source, path: `${folder}/back`, signal });
    });

    await t.step("an upload that a lifecycle rule dropped begins again", async () => {
      let begun = 0;
      await bucket.upload("again", {
        ...source,
        resume: { uploadId: "0123456789abcdef0123456789abcdef" },
        onBegin: () => begun++,
        signal,
      });
      assert.equal(begun, 1);
    });

    await t.step("a signed URL gives ranges to anyone", async () => {
      const url = bucket.urlOf(key, 60);
      const answer = await fetch(url, { headers: { range: "bytes=5-104" } });
      assert.equal(answer.status, 206);
      assert.deepEqual(Buffer.from(await answer.bytes()), content.subarray(5, 105));
      assert.doesNotMatch(url, /secret/);
    });

    await t.step("other bytes in the bucket are found", async () => {
      await (await server.send("PUT", `/${BUCKET}/site%201/other`, { body: "other bytes" })).body?.cancel();
      const to = { path: `${folder}/other`, signal };
      assert.equal(await faultIn(bucket.download("other", { ...source, ...to })), "corrupt");
      const long = { ...source, sizeBytes: 5 };
      assert.equal(await faultIn(bucket.download("other", { ...long, ...to })), "corrupt");
      const same = { ...source, sizeBytes: 11 };
      assert.equal(await faultIn(bucket.download("other", { ...same, ...to })), "corrupt");
    });

    await t.step("what is removed is gone, and may be removed twice", async () => {
      await bucket.remove(key, signal);
      await bucket.remove(key, signal);
      const to = { ...source, path: `${folder}/back`, signal };
      assert.equal(await faultIn(bucket.download(key, to)), "missing");
    });

    await t.step("a long list is read to its end", async () => {
      const small = await file(folder, new Uint8Array(1));
      const names = Array.from({ length: 12 }, (_, i) => `many/${String(i).padStart(4, "0")}`);
      for (const many of names) await bucket.upload(many, { ...small, onBegin: () => {}, signal });
      const found = await Array.fromAsync(bucket.list("many/", signal));
      assert.deepEqual(found.map((object) => object.key), names);
    });

    await t.step(
      "object lock takes uploads, and what it keeps is told or hidden, never an error for ever",
      async () => {
        const headers = { "x-amz-bucket-object-lock-enabled": "true" };
        assert.ok((await drained(server.send("PUT", "/locked", { headers }))).ok);
        const body = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>" +
          "<DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>";
        const md5 = createHash("md5").update(body).digest("base64");
        const set = await drained(
          server.send("PUT", "/locked?object-lock=", { body, headers: { "content-md5": md5 } }),
        );
        assert.ok(set.ok, String(set.status));
        using locked = bucketOf(server, { bucket: "locked" });
        const small = await file(folder, new Uint8Array(5));
        await locked.upload("kept", { ...small, onBegin: () => {}, signal });
        await locked.download("kept", { ...small, path: `${folder}/back`, signal });
        const fault = await faultIn(locked.remove("kept", signal));
        assert.ok(["none", "refused"].includes(fault), fault);
        const left = await Array.fromAsync(locked.list("", signal));
        assert.equal(left.length, fault === "refused" ? 1 : 0);
      },
    );

    await t.step("a missing bucket and wrong credentials are told apart", async () => {
      using nowhere = bucketOf(server, { bucket: "nowhere" });
      assert.equal(await faultIn(Array.fromAsync(nowhere.list("", signal))), "missing");
      if (!checksSignatures) return;
      using wrong = bucketOf(server, { secretKey: "wrong" });
      assert.equal(await faultIn(Array.fromAsync(wrong.list("", signal))), "refused");
      assert.equal((await fetch(wrong.urlOf("empty", 60))).status, 403);
    });
  });
}

async function drained(answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  await response.body?.cancel();
  return response;
}

/** The beginning of what may be a request. */
function headOf(chunk: Uint8Array): string {
  return new TextDecoder("latin1").decode(chunk.subarray(0, 300));
}
