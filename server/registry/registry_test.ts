/** Registries that are no good, or that want more than they should get. */
import assert from "node:assert/strict";
import { parseAuthFile } from "./docker_credentials.ts";
import { digestOf, Registry } from "./registry.ts";
import { registryFault } from "./registry_error.ts";
import { parseChallenge } from "./registry_login.ts";

const { signal } = new AbortController();
const LOGIN = { user: "site", password: "s3cret" };
const BYTES = new TextEncoder().encode("a blob");
const DIGEST = digestOf(BYTES);

/** A registry that answers so. Every request's Authorization is in `seen`. */
function serve(answer: (request: Request, url: URL) => Response) {
  const seen: (string | null)[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    seen.push(request.headers.get("authorization"));
    return answer(request, new URL(request.url));
  });
  const registry = `127.0.0.1:${server.addr.port}`;
  const client = new Registry({ credentials: () => LOGIN, plainHttp: [registry] });
  return {
    client,
    seen,
    task: { registry, repository: "site/web", title: "cannot test", signal },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server.shutdown();
    },
  };
}

async function faultIn(work: Promise<unknown>): Promise<string> {
  return await work.then(() => "none", (error) => registryFault(error) ?? String(error));
}

const blob = { digest: DIGEST, size: BYTES.length };

for (
  const [what, answer, fault] of [
    ["other bytes", () => new Response("b blob"), "corrupt"],
    ["a page of another server", () => new Response("<html>", { status: 404 }), "missing"],
    ["a body without an end", () => new Response(new Uint8Array(5000)), "nonsense"],
    ["a login by Kerberos", () => unauthorized("Negotiate x"), "login"],
    ["401 without a challenge", () => new Response(null, { status: 401 }), "login"],
    ["an error of its own", () => denied(403), "login"],
  ] as const
) {
  Deno.test(`a registry that answers with ${what} is told as ${fault}`, async () => {
    await using registry = serve(answer);
    const work = registry.client.downloadBytes(blob, { ...registry.task, maxBytes: 1000 });
    assert.equal(await faultIn(work), fault);
  });
}

function unauthorized(challenge: string): Response {
  return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
}

function denied(status: number): Response {
  return Response.json({ errors: [{ code: "DENIED", message: "no" }] }, { status });
}

Deno.test("a password goes to the registry only when it asks, and never where it redirects to", async () => {
  await using storage = serve(() => new Response(BYTES));
  await using registry = serve((request) =>
    request.headers.has("authorization")
      ? Response.redirect(`http://${storage.task.registry}/blob?signature=1`, 307)
      : unauthorized('Basic realm="x"')
  );
  const got = await registry.client.downloadBytes(blob, { ...registry.task, maxBytes: 1000 });
  assert.deepEqual(got, BYTES);
  const basic = `Basic ${btoa(`${LOGIN.user}:${LOGIN.password}`)}`;
  assert.deepEqual([registry.seen, storage.seen], [[null, basic], [null]]);
});

Deno.test("a password does not go to a login page of another host over plain HTTP", async () => {
  await using registry = serve(() => unauthorized('Bearer realm="http://login.example/token",service="x"'));
  const work = registry.client.downloadBytes(blob, { ...registry.task, maxBytes: 1000 });
  assert.equal(await faultIn(work), "login");
  assert.deepEqual(registry.seen, [null]);
});

Deno.test("an upload that the registry sends to another host goes there without the password", async () => {
  await using storage = serve((_request, url) =>
    new Response(null, { status: url.searchParams.get("digest") === DIGEST ? 201 : 400 })
  );
  await using registry = serve((request) =>
    request.method === "HEAD"
      ? new Response(null, { status: 404 })
      : request.headers.has("authorization")
      ? new Response(null, {
        status: 202,
        headers: { location: `http://${storage.task.registry}/upload?id=1` },
      })
      : unauthorized('Basic realm="x"')
  );
  await registry.client.uploadBytes(BYTES, registry.task);
  assert.deepEqual(storage.seen, [null]);
});

Deno.test("a manifest must be the one that its digest names", async () => {
  await using registry = serve(() => new Response("{}"));
  const digest = digestOf(new TextEncoder().encode("{}"));
  assert.equal((await registry.client.getManifest(digest, registry.task))?.digest, digest);
  assert.equal(await faultIn(registry.client.getManifest(DIGEST, registry.task)), "corrupt");
});

Deno.test("logins are read as docker login writes them", () => {
  const auth = btoa("me:a:b");
  const text = JSON.stringify({ auths: { "r.example:5000": { auth }, "empty": {} }, credsStore: "x" });
  assert.deepEqual(parseAuthFile(text, "r.example:5000"), { user: "me", password: "a:b" });
  assert.equal(parseAuthFile(text, "empty"), undefined);
  assert.equal(parseAuthFile(text, "other.example"), undefined);
  assert.throws(() => parseAuthFile("[]", "x"));
});

Deno.test("a challenge is read with quotes, commas in them, and without", () => {
  const { scheme, params } = parseChallenge('Bearer realm="https://a/t",scope="x:pull,push",error=none') ??
    {};
  assert.equal(scheme, "bearer");
  assert.deepEqual(Object.fromEntries(params ?? []), {
    realm: "https://a/t",
    scope: "x:pull,push",
    error: "none",
  });
  assert.equal(parseChallenge(null), undefined);
});
