/** DHCP and TFTP survive two thousand packets, half of them noise, half of them damaged valid ones. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { startTftpServer } from "../../boot/tftp/server.ts";
import { fileOfBytes } from "../../boot/tftp/tftp_file.ts";
import { openUdpPort } from "../../boot/udp_port.ts";
import { denoScript, DhcpNetwork, macOf, SERVER } from "../support/dhcp_network.ts";
import { needs } from "../support/needs.ts";
import { clientPackets } from "./dhcp_inputs.ts";

const PACKETS = 2000;
const SEED = 20_131;

/** Noise and damaged packets alternately, the latter with bytes changed, inserted or cut off at the end. */
function packets(valid: fc.Arbitrary<Uint8Array>): Uint8Array[] {
  const change = fc.tuple(fc.constantFrom("set", "insert", "cut"), fc.nat(), fc.nat(255));
  const damaged = fc.tuple(valid, fc.array(change, { minLength: 1, maxLength: 8 })).map(
    ([bytes, changes]) => {
      const out = [...bytes];
      for (const [how, where, value] of changes) {
        const at = where % (out.length + 1);
        if (how === "cut") out.length = at;
        else out.splice(at, how === "set" ? 1 : 0, value);
      }
      return Uint8Array.from(out);
    },
  );
  const noise = fc.uint8Array({ maxLength: 700 });
  const sampled = fc.sample(fc.tuple(noise, damaged), { numRuns: PACKETS / 2, seed: SEED });
  return sampled.flat();
}

const dhcpPackets = clientPackets({ server: SERVER, addresses: ["10.77.0.100", "10.77.0.110"] });

Deno.test({
  name: "DHCP keeps answering during 2000 random and damaged packets, and still leases afterwards",
  ...needs({ root: true, programs: ["ip", "udhcpc"] }),
  async fn() {
    await using network = await DhcpNetwork.create();
    await network.serve({
      boot: { file: "undionly.kpxe" },
      range: { first: "10.77.0.100", last: "10.77.0.200" },
    });
    const [fuzzer, client] = [await network.client(), await network.client()];
    await fuzzer.ip(["address", "add", "10.77.0.99/24", "dev", "lan"]);
    const file = await Deno.makeTempFile({ prefix: "dhcp-fuzz-" });
    try {
      const lines = packets(dhcpPackets).map((bytes) => btoa(String.fromCharCode(...bytes)));
      await Deno.writeTextFile(file, lines.join("\n"));
      const { code, stdout, stderr } = await fuzzer.run(denoScript("dhcp_fuzzer.ts", file, "10.77.0.99"));
      assert.equal(code, 0, stderr);
      assert.deepEqual(JSON.parse(stdout), { sent: PACKETS, answered: PACKETS / 50 });
    } finally {
      await Deno.remove(file);
    }
    const { code, stderr } = await client.run(["udhcpc", "-i", "lan", "-f", "-q", "-n", "-s", "/bin/true"]);
    assert.equal(code, 0, stderr);
    // "failed" would be a fault of the service: garbage is "malformed", or answered.
    const mac = await macOf(client);
    for (
      let line = await network.log();
      line.event !== "ack" || line.mac !== mac;
      line = await network.log()
    ) {
      assert.notEqual(line.event, "failed", JSON.stringify(line));
    }
  },
});

const NAME = "boot/file";
const tftpPackets = fc.oneof(
  fc.tuple(fc.constantFrom(1, 2), fc.constantFrom(NAME, "none", "../../etc/passwd"), fc.nat(65_535)).map((
    [opcode, name, n],
  ) => request(opcode, `${name}\0octet\0blksize\0${n}\0windowsize\0${n}\0tsize\x000\0timeout\0${n % 300}\0`)),
  fc.tuple(fc.constantFrom(3, 4, 5), fc.nat(255), fc.nat(255)).map(([opcode, high, low]) =>
    Uint8Array.of(0, opcode, high, low, 0)
  ),
);

function request(opcode: number, text: string): Uint8Array {
  return Uint8Array.of(0, opcode, ...new TextEncoder().encode(text));
}

Deno.test({
  name:
    "TFTP keeps answering during 2000 random and damaged packets, also to session ports, and still sends afterwards",
  ...needs({ programs: ["curl"] }),
  async fn() {
    const hostname = "127.0.0.1";
    const content = crypto.getRandomValues(new Uint8Array(50_000));
    const ending = new AbortController();
    const server = startTftpServer({
      hostname,
      port: 0,
      lookup: (name) => name === NAME ? fileOfBytes(content) : undefined,
      signal: ending.signal,
    });
    const listener = { hostname, port: server.port };
    const buffer = new Uint8Array(70_000);
    let answered = 0;
    const probe = openUdpPort({ hostname, port: 0 });
    const batch = 50;
    try {
      const all = packets(tftpPackets);
      for (let at = 0; at < all.length; at += batch) {
        // One batch goes to the listener from many clients, the next into a transfer, from its own client.
        const clients = Array.from({ length: 5 }, () => openUdpPort({ hostname, port: 0 }));
        const [first] = clients;
        assert.ok(first);
        await first.send(request(1, `${NAME}\0octet\0`), listener);
        const session = (await first.receive(buffer))?.from;
        assert.ok(session, "no transfer has started");
        for (const [i, bytes] of all.slice(at, at + batch).entries()) {
          const intoTransfer = (at / batch) % 2 === 1;
          await (clients[intoTransfer ? 0 : i % 5] ?? first).send(bytes, intoTransfer ? session : listener);
        }
        await probe.send(request(2, "x\0octet\0"), listener);
        assert.deepEqual([...(await probe.receive(buffer))?.bytes.subarray(0, 4) ?? []], [0, 5, 0, 2]);
        answered++;
        for (const client of clients) client.close();
      }
      assert.equal(answered, PACKETS / batch);
      const { code, stdout, stderr } = await new Deno.Command("curl", {
        args: ["-sS", `tftp://${hostname}:${server.port}/${NAME}`],
        stdout: "piped",
        stderr: "piped",
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      assert.deepEqual(stdout, content);
    } finally {
      probe.close();
      ending.abort();
      await server.finished;
    }
  },
});
