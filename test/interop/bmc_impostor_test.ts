/** A machine in the BMC's network that took the BMC's address, and shows the BMC's certificate. */
import assert from "node:assert/strict";
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";
import { bmcConnection } from "../../server/power/bmc_connection.ts";
import { needs } from "../support/needs.ts";
import { freePort, pythonBmcs } from "../support/python_bmcs.ts";

const { ignore } = needs({ programs: ["python3"] });
const bin = ignore ? undefined : await pythonBmcs();
const program = new URL("../support/impostor.py", import.meta.url).pathname;

/** Runs the impostor; returns its next line. */
async function impostor(folder: string, port: number) {
  const authority = await openAuthority(folder);
  const [bmc, other] = [
    await issueServerCertificate(authority, ["idrac"]),
    await issueServerCertificate(authority, ["other"]),
  ];
  await Deno.writeTextFile(`${folder}/bmc.pem`, bmc.cert);
  await Deno.writeTextFile(`${folder}/other.key`, other.key);
  const child = new Deno.Command(`${bin}/python`, {
    args: [program, `${port}`, `${folder}/bmc.pem`, `${folder}/other.key`],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const line = async () => {
    while (!text.includes("\n")) {
      const { done, value } = await lines.read();
      if (done) throw new Error("the impostor has ended");
      text += value;
    }
    const [first = "", ...rest] = text.split("\n");
    text = rest.join("\n");
    return first;
  };
  assert.equal(await line(), "listening");
  return {
    line,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await lines.cancel();
    },
  };
}

Deno.test({
  name: "who shows a BMC's certificate without its key gets nothing, least of all a password",
  ignore: bin === undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-impostor-" }), port = freePort("tcp");
    try {
      await using other = await impostor(folder, port);
      const pins: string[] = [];
      const send = bmcConnection({
        host: "127.0.0.1",
        port,
        pin: () => undefined,
        onCertificate: (pin) => void pins.push(pin),
      });
      const login = {
        method: "POST",
        path: "/redfish/v1/SessionService/Sessions",
        body: { Password: "s" },
      } as const;
      await assert.rejects(
        send(login, AbortSignal.timeout(20_000)),
        { name: "NoTlsSession", message: /bad signature/ },
      );
      assert.match(await other.line(), /^refused .*description=51/, "decrypt_error (RFC 8446 §6.2)");
      assert.deepEqual(pins, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
