/** The rsync daemon survives noise at every stage of a session, and damaged sessions. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { fetchByRsync } from "../../agent/install/fetch/rsync_client.ts";
import { RsyncTable } from "../support/rsync_table.ts";

const SEED = 20_131;
const SESSIONS = 600;
const AT_ONCE = 16;

const text = (line: string) => new TextEncoder().encode(line);
const framed = (bytes: Uint8Array) =>
  Buffer.concat([Uint8Array.of(bytes.length & 255, bytes.length >> 8, 0, 7), bytes]);

/** Everything that a client sends, by stage, in protocols 27 to 31. */
const sessions = fc.constantFrom(27, 28, 29, 30, 31).map((protocol) => {
  const plain = [text(`@RSYNCD: ${protocol}.0\n`), text("torrents\n")];
  const args = [
    "--server",
    "--sender",
    "-logDtprce.LsfxCIv",
    "--timeout=5",
    ".",
    "torrents/",
    "torrents/web*",
  ];
  const end = protocol >= 30 ? "\0" : "\n";
  const done = protocol >= 30 ? [0] : [255, 255, 255, 255];
  const ask = protocol >= 30 ? [2] : [2, 0, 0, 0];
  const item = protocol >= 29 ? [0, 0x80] : [];
  const sums = [1, 0, 0, 0, 188, 2, 0, 0, 2, 0, 0, 0, 10, 0, 0, 0, 1, 2, 3, 4, 5, 6];
  const talk = [
    [2, 0, 0, 0, 45, 120],
    [0, 0, 0, 0],
    [...ask, ...item, ...sums],
    done,
    done,
    done,
    done,
    done,
  ];
  const frames = talk.map((bytes) =>
    protocol >= 30 ? framed(Uint8Array.from(bytes)) : Uint8Array.from(bytes)
  );
  return [...plain, text([...args, "", ""].join(end).slice(0, -1)), ...frames];
});

/** A valid session up to some stage, then noise; or a whole one with bytes changed, inserted and cut off. */
const noisy = fc.tuple(sessions, fc.nat(10), fc.uint8Array({ maxLength: 3000 })).map(
  ([stages, upTo, noise]) => Buffer.concat([...stages.slice(0, upTo), noise]),
);
const change = fc.tuple(fc.constantFrom("set", "insert", "cut"), fc.nat(), fc.nat(255));
const damaged = fc.tuple(sessions, fc.array(change, { minLength: 1, maxLength: 6 })).map(
  ([stages, changes]) => {
    const bytes = [...Buffer.concat(stages)];
    for (const [how, where, value] of changes) {
      const at = where % (bytes.length + 1);
      if (how === "cut") bytes.length = at;
      else bytes.splice(at, how === "set" ? 1 : 0, value);
    }
    return Uint8Array.from(bytes);
  },
);

async function talk(port: number, bytes: Uint8Array): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let received = 0;
  const reading = (async () => {
    for (const into = new Uint8Array(65_536);;) {
      const got = await connection.read(into);
      if (got === null) return;
      received += got;
    }
  })().catch(() => {});
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    await connection.closeWrite();
  } catch {
    // The daemon has already closed the connection.
  }
  await reading;
  return received;
}

Deno.test(`the rsync daemon ends ${SESSIONS} noisy and damaged sessions, and serves afterwards`, async () => {
  using table = new RsyncTable();
  const inputs = fc.sample(fc.tuple(noisy, damaged), { numRuns: SESSIONS / 2, seed: SEED }).flat();
  let answered = 0;
  for (let at = 0; at < inputs.length; at += AT_ONCE) {
    const group = inputs.slice(at, at + AT_ONCE).map((bytes) => talk(table.port, bytes));
    answered += (await Promise.all(group)).filter((received) => received > 14).length;
  }
  // Noise that never got past the greeting would prove little.
  assert(answered > SESSIONS / 3, `${answered} sessions got behind the greeting`);
  const { signal } = new AbortController();
  const name = "web@2.torrent";
  const bytes = await fetchByRsync(`${table.url}/torrents/${name}`, { maxBytes: 1e6, signal });
  assert.deepEqual(bytes.length, table.bytes.get(name)?.length);
});

Deno.test("idle clients of one address get no more than the places for one address", async () => {
  using table = new RsyncTable();
  using held = new DisposableStack();
  const answers: string[] = [];
  for (let i = 0; i < 33; i++) {
    const connection = held.use(await Deno.connect({ hostname: "127.0.0.1", port: table.port }));
    const line = async () => {
      const into = new Uint8Array(100);
      return new TextDecoder().decode(into.subarray(0, await connection.read(into) ?? 0));
    };
    assert.equal(await line(), "@RSYNCD: 31.0\n");
    await connection.write(new TextEncoder().encode("@RSYNCD: 31.0\ntorrents\n"));
    answers.push(await line());
  }
  assert(answers.slice(0, 32).every((answer) => answer === "@RSYNCD: OK\n"));
  assert.match(answers[32] ?? "", /^@ERROR: max connections reached/);
});

Deno.test("silent clients keep nobody out, however many one address has", async () => {
  using table = new RsyncTable();
  using held = new DisposableStack();
  for (let i = 0; i < 300; i++) {
    held.use(await Deno.connect({ hostname: "127.0.0.1", port: table.port }));
  }
  const { signal } = new AbortController();
  const name = "web@2.torrent";
  const bytes = await fetchByRsync(`${table.url}/torrents/${name}`, { maxBytes: 1e6, signal });
  assert.equal(bytes.length, table.bytes.get(name)?.length);
});

Deno.test("a trickling client is cut off, both before its request and during the transfer", async () => {
  using table = new RsyncTable({ handshakeMs: 100, transferMs: 200 });
  const [stages = []] = fc.sample(sessions, { numRuns: 1, seed: SEED });
  for (const upTo of [0, 1, 2, 3, 5]) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: table.port });
    await connection.write(Buffer.concat(stages.slice(0, upTo)));
    let open = true;
    const reading = (async () => {
      const into = new Uint8Array(65_536);
      while (await connection.read(into).catch(() => null) !== null);
      open = false;
    })();
    // The pace of the trickle is the subject: one byte now and then. The loop ends with the connection.
    while (open) {
      await connection.write(Uint8Array.of(64)).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    await reading;
  }
});
