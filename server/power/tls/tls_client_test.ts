/** With OpenSSL's own server, which can be as old as a BMC. */
import assert from "node:assert/strict";
import { needs } from "../../../test/support/needs.ts";
import { bmcConnection } from "../bmc_connection.ts";

const PROGRAM = "/usr/bin/openssl";
const needed = needs({ files: [PROGRAM] });

async function serve(...options: string[]) {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-tls-" });
  const [key, certificate] = [`${folder}/key.pem`, `${folder}/cert.pem`];
  const made = ["-x509", "-newkey", "rsa:1024", "-sha1", "-nodes", "-subj", "/CN=bmc", "-days", "1"];
  await new Deno.Command(PROGRAM, {
    args: ["req", ...made, "-keyout", key, "-out", certificate],
    stderr: "null",
  }).output();
  const { stdout } = await new Deno.Command(PROGRAM, {
    args: ["x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"],
  }).output();
  const fingerprint = new TextDecoder().decode(stdout).split("=")[1]?.trim().replaceAll(":", "")
    .toLowerCase();
  const child = new Deno.Command(PROGRAM, {
    args: ["s_server", "-www", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, ...options],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let said = "", port: string | undefined;
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (port === undefined) {
    const { done, value } = await output.read();
    if (done) throw new Error(`openssl s_server has ended: ${said}`);
    said += value;
    port = /^ACCEPT 127\.0\.0\.1:(\d+)$/m.exec(said)?.[1];
  }
  const pins: string[] = [];
  const send = bmcConnection({
    host: "127.0.0.1",
    port: Number(port),
    pin: () => undefined,
    onCertificate: (pin) => void pins.push(pin),
  });
  return {
    fingerprint,
    pins,
    get: () => send({ method: "GET", path: "/redfish/v1/" }, AbortSignal.timeout(30_000)),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([child.status, child.stdin.abort().catch(() => {}), output.cancel()]);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const spoken: [name: string, options: string[]][] = [
  ["TLS 1.3", ["-tls1_3", "-cipher", "ALL:@SECLEVEL=0"]],
  ["TLS 1.2 with RSA's key exchange alone, as of an old BMC", [
    "-tls1_2",
    "-cipher",
    "AES128-SHA:@SECLEVEL=0",
  ]],
];
for (const [name, options] of spoken) {
  Deno.test({
    name: `an answer that ends with close_notify arrives by ${name}; the certificate is known by its SHA-256`,
    ...needed,
    fn: async () => {
      await using service = await serve(...options);
      const { status, body } = await service.get();
      assert.equal(status, 200);
      assert.match(new TextDecoder().decode(body), /<\/html>\s*$/i);
      assert.deepEqual(service.pins, [service.fingerprint]);
    },
  });
}

Deno.test({
  name: "TLS 1.1 is too old, and the error says so",
  ...needed,
  fn: async () => {
    await using service = await serve("-tls1_1", "-cipher", "ALL:@SECLEVEL=0");
    await assert.rejects(service.get(), { name: "NoTlsSession", message: /protocol version/ });
    assert.deepEqual(service.pins, []);
  },
});
