/** A node hears the switch at the other end of its cable: frames on a real link, between network namespaces. */
import assert from "node:assert/strict";
import { parseLldp } from "../../agent/hardware/lldp.ts";
import { lldpFrame } from "../../agent/hardware/testing/samples.ts";
import { denoScript } from "../support/dhcp_network.ts";
import { needs } from "../support/needs.ts";
import { link, NetworkNamespace } from "../support/netns.ts";

const SECONDS = 60;

async function hears(node: NetworkNamespace, seconds = SECONDS): Promise<[string, { port: string }][]> {
  const { code, stdout, stderr } = await node.run(denoScript("hear_neighbours.ts", "lan", `${seconds}`));
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

async function end(process: Deno.ChildProcess): Promise<void> {
  process.kill("SIGKILL");
  await process.stdout.cancel();
  await process.status;
}

Deno.test({
  name: "a node hears a switch among other frames, and nothing where there is none",
  ...needs({ root: true, programs: ["ip"] }),
  async fn() {
    await using node = await NetworkNamespace.create("lldp-node");
    await using leaf = await NetworkNamespace.create("lldp-leaf");
    await link({ namespace: node, interface: "lan" }, { namespace: leaf, interface: "port" });
    assert.deepEqual(await hears(node, 1), []);
    const other = lldpFrame();
    // ARP, which the socket must not even be given
    other.set([0x08, 0x06], 12);
    const senders = [other, lldpFrame({ ttl: 0 }), lldpFrame()]
      .map((frame) => leaf.spawn(denoScript("send_frame.ts", "port", frame.toHex())));
    try {
      assert.deepEqual(await hears(node), [["lan", parseLldp(lldpFrame())]]);
    } finally {
      for (const sender of senders) await end(sender);
    }
  },
});

Deno.test({
  name: "a node hears Debian's lldpd",
  ...needs({ root: true, programs: ["ip", "lldpd"] }),
  async fn() {
    await using node = await NetworkNamespace.create("lldp-node");
    await using leaf = await NetworkNamespace.create("lldp-leaf");
    await link({ namespace: node, interface: "lan" }, { namespace: leaf, interface: "port7" });
    const folder = await Deno.makeTempDir({ prefix: "lldpd-" });
    // it gives up its rights before it opens the socket
    await Deno.chmod(folder, 0o777);
    const daemon = leaf.spawn(["lldpd", "-d", "-I", "port7", "-u", `${folder}/socket`, "-S", "a test"]);
    try {
      const [[nic, neighbour] = []] = await hears(node);
      assert.deepEqual([nic, neighbour?.port], ["lan", "port7"]);
    } finally {
      await end(daemon);
      await Deno.remove(folder, { recursive: true });
    }
  },
});
