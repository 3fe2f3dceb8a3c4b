import assert from "node:assert/strict";
import { link, NetworkNamespace } from "../support/netns.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";

const program = new URL("../support/router_advertisements.ts", import.meta.url).pathname;
const config = new URL("../../deno.json", import.meta.url).pathname;
const MAC = "52:54:00:77:00:02";

Deno.test({
  name: "a machine that asks for a router gets an answer that gives it neither a route nor an address",
  ...needs({ root: true, programs: ["ip", "rdisc6", "radvd"] }),
  async fn(t) {
    await using server = await NetworkNamespace.create("rs-ra-server");
    await using client = await NetworkNamespace.create("rs-ra-client");
    await link({ namespace: server, interface: "s0" }, { namespace: client, interface: "c0" });
    await client.ip(["link", "set", "c0", "down"]);
    await client.ip(["link", "set", "c0", "address", MAC]);
    await client.run(["sysctl", "-q", "net.ipv6.conf.c0.accept_ra=2"]);
    await client.ip(["link", "set", "c0", "up"]);
    for (const namespace of [server, client]) {
      await waitFor("link-local addresses", async () => {
        const addresses = await namespace.ip(["-6", "address", "show", "scope", "link"]);
        return addresses.includes("fe80::") && !addresses.includes("tentative");
      });
    }
    const ask = (...options: string[]) => client.run(["rdisc6", "-1", "-r", "1", ...options, "c0"]);

    await t.step("by rdisc6, and the kernel as a client", async () => {
      await using service = await start(server, "s0", MAC);
      const { code, stdout, stderr } = await ask("-w", "3000");
      assert.equal(code, 0, stderr);
      assert.match(stdout, /Stateful address conf\. +: +No/);
      assert.match(stdout, /Stateful other conf\. +: +No/);
      assert.match(stdout, /Router lifetime +: +0 /);
      assert.doesNotMatch(stdout, /Prefix/);
      assert.doesNotMatch(await client.ip(["-6", "route"]), /default/);
      assert.doesNotMatch(await client.ip(["-6", "address", "show", "dev", "c0"]), /global/);
      assert.equal(await service.end(), "ended");
    });

    await t.step("a machine that does not boot from the network gets none", async () => {
      await using _service = await start(server, "s0", "52:54:00:77:00:03");
      const { code } = await ask("-w", "700");
      assert.notEqual(code, 0);
    });

    await t.step("beside a real router, whose route and prefix stay", async () => {
      await using router = await NetworkNamespace.create("rs-ra-router");
      await server.addBridge("br0");
      await server.ip(["link", "set", "s0", "master", "br0"]);
      await link({ namespace: router, interface: "r0", address: "2001:db8::1/64" }, {
        namespace: server,
        interface: "s1",
        bridge: "br0",
      });
      await router.run(["sysctl", "-q", "net.ipv6.conf.all.forwarding=1"]);
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(
          `${folder}/radvd.conf`,
          "interface r0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; prefix 2001:db8::/64 {}; };",
        );
        router.spawn(["radvd", "-n", "-C", `${folder}/radvd.conf`, "-p", `${folder}/pid`, "-m", "stderr"]);
        await waitFor(
          "the router's route",
          async () => (await client.ip(["-6", "route"])).includes("default"),
          {
            timeoutMs: 20_000,
          },
        );
        const before = await routes(client);
        await using _service = await start(server, "br0", MAC);
        const { code, stdout } = await client.run(["rdisc6", "-m", "-r", "1", "-w", "1500", "c0"]);
        assert.equal(code, 0);
        assert.match(stdout, /Router lifetime +: +0 /);
        assert.match(stdout, /2001:db8::\/64/);
        assert.deepEqual(await routes(client), before);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });

    await t.step("where this machine is a router itself, nothing is answered", async () => {
      await server.run(["sysctl", "-q", "net.ipv6.conf.br0.forwarding=1"]);
      const { stdout } = await server.run(argv("br0"));
      assert.match(stdout, /^not served\n/);
    });
  },
});

/** Destinations and routers, without lifetimes. */
async function routes(namespace: NetworkNamespace): Promise<string[]> {
  const text = await namespace.ip(["-6", "route"]);
  return text.split("\n").map((line) => line.replace(/ expires \d+sec/, "").trim()).sort();
}

function argv(device: string, mac?: string): string[] {
  return [
    Deno.execPath(),
    "run",
    "-A",
    "--no-check",
    "--config",
    config,
    program,
    device,
    ...(mac ? [mac] : []),
  ];
}

async function start(namespace: NetworkNamespace, device: string, mac: string) {
  const process = namespace.spawn(argv(device, mac));
  const lines = process.stdout.pipeThrough(new TextDecoderStream());
  const reader = lines.getReader();
  assert.match((await reader.read()).value ?? "", /^serving/);
  let isOver = false;
  return {
    async end() {
      process.kill("SIGTERM");
      const { value } = await reader.read();
      isOver = true;
      await process.status;
      return value?.trim();
    },
    async [Symbol.asyncDispose]() {
      if (!isOver) process.kill("SIGKILL");
      await process.status;
      await reader.cancel();
    },
  };
}
