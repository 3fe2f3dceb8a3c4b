/** A thousand machines ask at the same moment, while the server's process is busy. */
import assert from "node:assert/strict";
import { MESSAGE_TYPE } from "../../boot/dhcp/options.ts";
import { encodePacket } from "../../boot/dhcp/packet.ts";
import { denoScript, DhcpNetwork } from "../support/dhcp_network.ts";
import { clientPacket } from "../support/dhcp_packets.ts";
import { needs } from "../support/needs.ts";

const MACHINES = 1000;

/** The kernel's count of datagrams for port 67 that found no room: the last column of /proc/net/udp. */
function droppedOf(table: string): number {
  const lines = table.split("\n").filter((line) => /^\s*\d+: [0-9A-F]+:0043 /.test(line));
  assert.equal(lines.length, 2, table);
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/).at(-1)), 0);
}

Deno.test({
  name: "no DISCOVER of a thousand is lost while the server does something else",
  ...needs({ root: true, programs: ["ip"] }),
  async fn() {
    await using network = await DhcpNetwork.create();
    await network.serve({ range: { first: "10.77.0.100", last: "10.77.0.119" } });
    const flooder = await network.client();
    await flooder.ip(["address", "add", "10.77.0.99/24", "dev", "lan"]);
    const file = await Deno.makeTempFile({ prefix: "dhcp-burst-" });
    try {
      const lines = Array.from({ length: MACHINES }, (_, i) => {
        const mac = `02:00:00:00:0${i >> 8}:${(i & 255).toString(16).padStart(2, "0")}`;
        return btoa(String.fromCharCode(...encodePacket(clientPacket({ type: MESSAGE_TYPE.discover, mac }))));
      });
      await Deno.writeTextFile(file, lines.join("\n"));
      network.pause();
      const { code, stderr } = await flooder.run(denoScript("dhcp_burst.ts", file, "10.77.0.99"));
      assert.equal(code, 0, stderr);
      const { stdout } = await network.server.run(["cat", "/proc/net/udp"]);
      network.resume();
      assert.equal(droppedOf(stdout), 0);
    } finally {
      await Deno.remove(file);
    }
  },
});
