/** The server as systemd runs it: it reports when it is ready, reloads on SIGHUP, and says that it stops. */
import assert from "node:assert/strict";
import { ApiClient } from "#contract/client.ts";
import { SwarmSettings } from "#contract/api/distribution.ts";
import { needs } from "../support/needs.ts";
import { NotifySocket } from "../support/notify_socket.ts";
import { waitFor } from "../support/wait_for.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

Deno.test({
  name: "ready, reload with a renewed certificate, a wrong file that changes nothing, and stop",
  ...needs({ programs: ["python3", "openssl"] }),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-service-" });
    const settings = `${folder}/server.yaml`, notify = `${folder}/notify`;
    const write = (lines: readonly string[]) => Deno.writeTextFile(settings, `${lines.join("\n")}\n`);
    const first = [
      `data: ${folder}/data`,
      ...["listen: 127.0.0.1:0", "http-port: 0", "peer-port: 0", "tracker-port: 0", "tftp-port: off"],
      ...["rsync-port: off", "site-listen: 127.0.0.1:0", `tls-cert: ${folder}/site.pem`],
      `tls-key: ${folder}/site.key`,
    ];
    await makeCertificate(folder);
    await write(first);
    await using socket = await NotifySocket.bind(notify);
    const server = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `--config=${CONFIG}`, MAIN, "server", "--config", settings, "--json"],
      env: { NOTIFY_SOCKET: notify, WATCHDOG_USEC: "2000000" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const logged = collect(server.stderr);
    try {
      const said = server.stdout.getReader();
      const { server: url, ports } = JSON.parse(new TextDecoder().decode((await said.read()).value));
      assert.equal(await socket.nextState(), `READY=1\nSTATUS=serves at ${url}`);
      assert.equal(await socket.next(), "WATCHDOG=1");
      assert.ok(await isTrustedBy(ports.site, `${folder}/site.pem`));

      await Deno.rename(`${folder}/site.pem`, `${folder}/old.pem`);
      await makeCertificate(folder);
      await write([
        ...first.filter((line) => !line.startsWith("http-port")),
        "upload-limit: 800mbit",
        "http-port: 1",
      ]);
      server.kill("SIGHUP");
      assert.equal(await socket.nextState(), "RELOADING=1");
      assert.match(await socket.nextState(), /^READY=1\n/);
      await waitFor("the renewed certificate", () => isTrustedBy(ports.site, `${folder}/site.pem`));
      assert.equal(await isTrustedBy(ports.site, `${folder}/old.pem`), false);
      const token = (await Deno.readTextFile(`${folder}/data/token`)).trim();
      using client = await ApiClient.connect({ server: url, token });
      assert.equal((await client.get("/swarm", SwarmSettings)).uploadLimit, 100e6);
      await waitFor("the reload's log", () => /reloaded changed=\["upload-limit"\]/.test(logged.text));
      assert.match(logged.text, /not-applied settings=\["http-port"\] remedy="restart to apply\."/);

      await write([...first, "uplod-limit: 1mbit"]);
      server.kill("SIGHUP");
      assert.equal(await socket.nextState(), "RELOADING=1");
      assert.match(await socket.nextState(), /^READY=1\n/);
      await waitFor(
        "the failure's log",
        () => /reload-failed.*line 11.*write upload-limit/.test(logged.text),
      );
      assert.ok(await isTrustedBy(ports.site, `${folder}/site.pem`));

      server.kill("SIGTERM");
      assert.equal(await socket.nextState(), "STOPPING=1");
      await said.cancel();
      assert.equal((await server.status).code, 0);
    } finally {
      await end(server);
      await logged.ended;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** If the test has failed, the server still runs. */
async function end(server: Deno.ChildProcess): Promise<void> {
  try {
    server.kill("SIGKILL");
  } catch {
    // it has ended
  }
  await server.status;
}

/** A certificate for 127.0.0.1 that signs itself, in site.pem, and its key in site.key. */
async function makeCertificate(folder: string): Promise<void> {
  const { code } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"],
      ...["-subj", `/CN=${crypto.randomUUID()}`, "-addext", "subjectAltName=IP:127.0.0.1"],
      ...["-keyout", `${folder}/site.key`, "-out", `${folder}/site.pem`],
    ],
    stdout: "null",
    stderr: "null",
  }).output();
  assert.equal(code, 0);
}

/** Asks for the page with curl, which believes the certificate in this file only. */
async function isTrustedBy(port: number, pem: string): Promise<boolean> {
  const { code } = await new Deno.Command("curl", {
    args: [
      "--silent",
      "--max-time",
      "5",
      "--cacert",
      pem,
      "--output",
      "/dev/null",
      `https://127.0.0.1:${port}/`,
    ],
  }).output();
  return code === 0;
}

function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): { text: string; ended: Promise<void> } {
  const collected = { text: "", ended: Promise.resolve() };
  collected.ended = (async () => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) collected.text += part;
  })();
  return collected;
}
