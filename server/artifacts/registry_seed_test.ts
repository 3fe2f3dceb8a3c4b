import assert from "node:assert/strict";
import { Registry } from "../registry/registry.ts";
import { RegistrySeed } from "./registry_seed.ts";

const FILE = { sha256: "a".repeat(64), sizeBytes: 1000 };
const FIRST_BYTE = { status: 206, headers: { "content-range": "bytes 0-0/1000" } };

/** What nodes are told of a registry that answers so, and the problem that people are told. */
async function seedOf(answer: (request: Request) => Response) {
  let problem: string | undefined, now = 0, asked = 0;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    asked++;
    return answer(request);
  });
  const registry = `127.0.0.1:${server.addr.port}`;
  using client = new Registry({
    credentials: () => ({ user: "u", password: "p" }),
    plainHttp: [registry],
  });
  const seed = new RegistrySeed(client.requests, {
    repository: { registry, repository: "site/web" },
    onProblem: (notice) => problem = notice?.problem,
    signal: new AbortController().signal,
    now: () => now,
  });
  const url = (await seed.urlOf(FILE))?.replace(registry, "R");
  const first = asked;
  await seed.urlOf(FILE);
  assert.equal(asked, first, "an answer counts for a while");
  now += 3600_000;
  await seed.urlOf(FILE);
  assert.ok(asked > first, "but not for ever");
  return { url, problem };
}

/** 401 without a login, then this. */
const behindLogin = (answer: () => Response) => (request: Request) =>
  request.headers.has("authorization")
    ? answer()
    : new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } });

const BLOB = `http://R/v2/site/web/blobs/sha256:${FILE.sha256}`;

for (
  const [what, answer, expected] of [
    ["that is open", () => new Response("x", FIRST_BYTE), { url: BLOB, problem: undefined }],
    ["that sends to its storage", () => Response.redirect("http://s3/blob"), {
      url: BLOB,
      problem: undefined,
    }],
    [
      "whose storage alone is open",
      behindLogin(() => Response.redirect("http://s3/blob?signature=1")),
      { url: "http://s3/blob?signature=1", problem: undefined },
    ],
    ["that lacks the blob", () => new Response(null, { status: 404 }), {
      url: undefined,
      problem: undefined,
    }],
    [
      "that lacks it behind a login",
      behindLogin(() => new Response(null, { status: 404 })),
      { url: undefined, problem: undefined },
    ],
  ] as const
) {
  Deno.test(`nodes are told where to fetch from a registry ${what}`, async () => {
    assert.deepEqual(await seedOf(answer), expected);
  });
}

for (
  const [what, answer, problem] of [
    [
      "sends blobs only after a login",
      behindLogin(() => new Response("x", FIRST_BYTE)),
      /only to those who log in/,
    ],
    ["has no ranges", () => new Response(new Uint8Array(1000)), /it answers 200 to a request for one byte/],
    [
      "has another blob under that name",
      () => new Response("x", { status: 206, headers: { "content-range": "bytes 0-0/999" } }),
      /it answers 206/,
    ],
  ] as const
) {
  Deno.test(`nodes are not sent to a registry that ${what}, and people are told why`, async () => {
    const { url, problem: told } = await seedOf(answer);
    assert.equal(url, undefined);
    assert.match(told ?? "", problem);
  });
}
