/** The agent's rsync client against our daemon, the stock one, and hostile ones. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { fetchByRsync } from "../../agent/install/fetch/rsync_client.ts";
import { needs } from "../support/needs.ts";
import { RsyncTable } from "../support/rsync_table.ts";
import { waitFor } from "../support/wait_for.ts";

const MAX_BYTES = 1_000_000;
const { signal } = new AbortController();
const fetched = async (url: string, maxBytes = MAX_BYTES) =>
  Buffer.from(await fetchByRsync(url, { maxBytes, signal }));

Deno.test("the agent fetches every file of our daemon, and gets an error for a missing one", async () => {
  using table = new RsyncTable();
  for (const [name, bytes] of table.bytes) {
    assert((await fetched(`${table.url}/torrents/${name}`)).equals(bytes), name);
  }
  await assert.rejects(fetched(`${table.url}/torrents/web@3.torrent`), /No such file/);
  await assert.rejects(fetched(`${table.url}/etc/passwd`), /Unknown module "etc"/);
  await assert.rejects(fetched(`${table.url}/torrents/web@2.torrent`, 699_999), /too large/);
  await assert.rejects(fetched(`${table.url}/torrents/`), /not an rsync URL/);
});

Deno.test({
  name: "the agent fetches from a stock rsync daemon",
  ...needs({ programs: ["rsync"] }),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "rsync-agent-" });
    const port = freePort();
    const bytes = randomBytes(300_000);
    await Deno.mkdir(`${folder}/torrents`);
    await Deno.writeFile(`${folder}/torrents/web@1.torrent`, bytes);
    await Deno.writeTextFile(`${folder}/torrents/empty`, "");
    await Deno.symlink("/etc/passwd", `${folder}/torrents/link`);
    await Deno.writeTextFile(
      `${folder}/conf`,
      `use chroot = no\n[torrents]\npath = ${folder}/torrents\nread only = yes\n`,
    );
    await using daemon = new Deno.Command("rsync", {
      args: [
        ...["--daemon", "--no-detach", "--address=127.0.0.1", `--port=${port}`],
        ...[`--config=${folder}/conf`, `--log-file=${folder}/log`],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const url = `rsync://127.0.0.1:${port}/torrents`;
      await reached(port);
      assert((await fetched(`${url}/web@1.torrent`)).equals(bytes));
      assert.equal((await fetched(`${url}/empty`)).length, 0);
      await assert.rejects(fetched(`${url}/nothing`), /No such file/);
      await assert.rejects(fetched(`${url}/link`), /nothing|has no link|skipping|list/);
      await assert.rejects(fetched(`rsync://127.0.0.1:${port}/other/x`), /@ERROR: Unknown module/);
      // A client that leaves without saying goodbye would cause an error in this log.
      const log = (await Deno.readTextFile(`${folder}/log`)).split("\n").filter((line) =>
        /error/i.test(line)
      );
      assert.deepEqual(log.filter((line) => !/nothing|link/.test(line)), []);
    } finally {
      daemon.kill("SIGTERM");
      await daemon.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("a daemon that lies, sends garbage or goes silent is abandoned with a reason", async () => {
  const text = (line: string) => [...new TextEncoder().encode(line)];
  const hello = text("@RSYNCD: 31.0\n@RSYNCD: OK\n");
  const framed = (bytes: number[]) => [bytes.length, 0, 0, 7, ...bytes];
  // flags, name, 5 bytes, a time, a file's mode; the list's end
  const list = (name: string, size = [0, 5, 0]) => [
    ...[1, name.length, ...text(name), ...size, 0, 0, 0, 0, 0xa4, 0x81, 0, 0, 0],
  ];
  const started = [...hello, 0, 1, 2, 3, 4];
  const cases: [answer: number[], reason: RegExp][] = [
    [text("SSH-2.0-OpenSSH\n"), /does not speak rsync/],
    [text("@RSYNCD: 30.0\n"), /protocol 31/],
    [Array(5000).fill(65), /line is too long/],
    [[...text("@RSYNCD: 31.0\n"), ...text("hello\n".repeat(200))], /hello/],
    [[...hello, 0x80, 0x80, 1, 2, 3, 4], /not requested/],
    [[...started, ...framed([0])], /has no x/],
    [[...started, ...framed(list("y"))], /the server offers y/],
    [[...started, ...framed(list("x", [0x7f, 0xff, 0xff]))], /too large/],
    [
      [...started, ...framed([...list("x"), 1, 0, 0x80, ...Array(16).fill(0), 6, 0, 0, 0])],
      /length is not the one in the list/,
    ],
    [
      [...started, ...framed([...list("x"), 1, 0, 0x80, ...Array(16).fill(0), 0xff, 0xff, 0xff, 0xff])],
      /length/,
    ],
    [
      [...started, ...framed([...list("x"), 1, 0, 0x80, ...Array(16).fill(0), 5, 0, 0, 0, ...text("12345")])]
        .concat(framed(Array(20).fill(0))),
      /corrupted on the way/,
    ],
    [[...started, 3, 0, 0, 10, ...text("bad"), 4, 0, 0, 93, 1, 0, 0, 0], /^bad$/],
    [[...started, 1, 0, 0, 200, 9], /does not speak rsync/],
    [[], /closed the connection/],
  ];
  for (const [answer, reason] of cases) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = (async () => {
      using connection = await listener.accept();
      for (let at = 0; at < answer.length;) at += await connection.write(Uint8Array.from(answer.slice(at)));
      await connection.closeWrite();
      for (const into = new Uint8Array(1000); await connection.read(into).catch(() => null) !== null;);
    })();
    const url = `rsync://127.0.0.1:${listener.addr.port}/torrents/x`;
    await assert.rejects(fetched(url), (error: Error) => reason.test(error.message), `${reason}`);
    await serving.catch(() => {});
  }
  await assert.rejects(fetched(`rsync://127.0.0.1:${freePort()}/torrents/x`), /refused/);
});

Deno.test("an aborted fetch ends with the abort reason, at any stage", async () => {
  for (const greeted of [false, true]) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const stop = new AbortController();
    const fetching = fetchByRsync(`rsync://127.0.0.1:${listener.addr.port}/torrents/x`, {
      maxBytes: 1,
      signal: stop.signal,
    });
    using connection = await listener.accept();
    if (greeted) await connection.read(new Uint8Array(100));
    stop.abort(new Error("cancelled"));
    await assert.rejects(fetching, /cancelled/);
  }
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function reached(port: number): Promise<void> {
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
  (await waitFor("the daemon to start", connect))?.close();
}
