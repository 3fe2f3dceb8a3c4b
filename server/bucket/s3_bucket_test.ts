/** Servers that are no good S3 servers. test/interop/s3_bucket_test.ts has real ones. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { faultOf } from "./bucket_error.ts";
import { credentialsFrom, parseCredentials } from "./credentials.ts";
import { S3Bucket } from "./s3_bucket.ts";

const { signal } = new AbortController();
const CONTENT = new TextEncoder().encode("content");
const FACTS = {
  sizeBytes: CONTENT.length,
  sha256: createHash("sha256").update(CONTENT).digest("hex"),
};

async function withBucket(
  answer: (request: Request) => Response | Promise<Response>,
  use: (bucket: S3Bucket, requests: Request[]) => Promise<void>,
): Promise<void> {
  const requests: Request[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push(request);
    return answer(request);
  });
  using bucket = new S3Bucket({
    endpoint: new URL(`http://127.0.0.1:${server.addr.port}`),
    region: "us-east-1",
    bucket: "images",
    prefix: "site/",
    addressing: "path",
  }, { credentials: () => ({ accessKey: "AK", secretKey: "very secret" }) });
  await use(bucket, requests);
}

const error = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(`<Error><Code>${code}</Code><Message>said &lt;so&gt;</Message></Error>`, { status, headers });
const list = (inner: string) => new Response(`<ListBucketResult>${inner}</ListBucketResult>`);

const answers: [string, () => Response, string, RegExp][] = [
  ["a web page", () => new Response("<html>Welcome</html>"), "nonsense", /not a list/],
  ["an object without a size", () => list("<Contents><Key>site/a</Key></Contents>"), "nonsense", /without/],
  ["a refusal", () => error(403, "AccessDenied"), "refused", /403 AccessDenied said <so>/],
  ["a bucket that is not there", () => error(404, "NoSuchBucket"), "missing", /NoSuchBucket/],
  ["a full bucket", () => error(507, "InsufficientStorage"), "full", /InsufficientStorage/],
  [
    "another region",
    () => error(301, "PermanentRedirect", { "x-amz-bucket-region": "eu-north-1" }),
    "nonsense",
    /in the region eu-north-1/,
  ],
  [
    "a list without an end",
    () => list("<IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>"),
    "nonsense",
    /does not end/,
  ],
];
for (const [name, answer, fault, says] of answers) {
  Deno.test(`${name} instead of a list is told, and not asked for again and again`, () =>
    withBucket(answer, async (bucket, requests) => {
      const thrown = await Array.fromAsync(bucket.list("", signal)).catch((thrown) => thrown);
      assert.equal(faultOf(thrown), fault);
      assert.match(thrown.message, says);
      assert.doesNotMatch(thrown.message, /very secret/);
      assert.ok(requests.length <= 2);
    }));
}

Deno.test("a server in trouble is asked again", () => {
  let asked = 0;
  return withBucket(
    () =>
      ++asked === 1 ? error(503, "SlowDown") : list("<Contents><Key>site/a</Key><Size>5</Size></Contents>"),
    async (bucket) => {
      assert.deepEqual(await Array.fromAsync(bucket.list("", signal)), [{ key: "a", sizeBytes: 5 }]);
    },
  );
});

Deno.test("what is cut short, too long or different is no download", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (const text of ["conten", "content and more", "CONTENT"]) {
      await withBucket(() => new Response(text), async (bucket) => {
        const thrown = await bucket.download("a", { ...FACTS, path, signal }).catch((thrown) => thrown);
        assert.equal(faultOf(thrown), "corrupt", text);
      });
    }
    await withBucket(
      () => new Response("content"),
      (bucket) => bucket.download("a", { ...FACTS, path, signal }),
    );
    assert.equal(await Deno.readTextFile(path), "content");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("an object whose ETag is no MD5 is read back, and counts only if it is the same", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, CONTENT);
  const answering = (stored: string) => ({ method, url }: Request) => {
    const query = new URL(url).searchParams;
    if (method === "PUT") return new Response(null, { headers: { etag: '"encrypted-by-kms"' } });
    if (query.has("uploads")) return new Response("<x><UploadId>1</UploadId></x>");
    if (method === "POST") {
      return new Response(
        '<CompleteMultipartUploadResult><ETag>"encrypted"</ETag></CompleteMultipartUploadResult>',
      );
    }
    return new Response(stored);
  };
  const upload = (bucket: S3Bucket) =>
    bucket.upload("a", { path, sha256: FACTS.sha256, onBegin: () => {}, signal });
  try {
    await withBucket(answering("content"), upload);
    await withBucket(answering("contenT"), async (bucket) => {
      assert.equal(faultOf(await upload(bucket).catch((thrown) => thrown)), "corrupt");
    });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a file that is not what it should be is not stored", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "contenT");
  try {
    let joined = false;
    await withBucket(({ method, url }) => {
      const { searchParams } = new URL(url);
      if (method === "PUT") return new Response(null, { headers: { etag: '"x"' } });
      if (!searchParams.has("uploads")) joined = true;
      return new Response("<x><UploadId>1</UploadId></x>");
    }, async (bucket) => {
      const upload = bucket.upload("a", { path, sha256: FACTS.sha256, onBegin: () => {}, signal });
      await assert.rejects(upload, /is not what it was/);
    });
    assert.equal(joined, false);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("credentials are those of the default profile, else of the first", () => {
  const text = "[a]\naws_access_key_id = A\naws_secret_access_key=B\n[default]\naws_access_key_id=C\n" +
    "aws_secret_access_key = D=\naws_session_token = E\n";
  assert.deepEqual(parseCredentials(text), { accessKey: "C", secretKey: "D=", sessionToken: "E" });
  assert.equal(parseCredentials(text.replace("default", "b"))?.accessKey, "A");
  assert.equal(parseCredentials("[default]\naws_access_key_id = A\n"), undefined);
  assert.throws(() => credentialsFrom("/nowhere"), /cannot open the pack store/);
});
