/** The golden files of Alpine, carried out by ifupdown-ng, which is Alpine's ifup, from Debian's package of it. */
import assert from "node:assert/strict";
import { run } from "../../scripts/build/command.ts";
import { LAYOUTS } from "../../agent/install/identity/testing/layouts.ts";
import { NetworkNamespace } from "../support/netns.ts";
import { needs } from "../support/needs.ts";

const cache = new URL("../../.cache/test-ifupdown-ng", import.meta.url).pathname;

/** Without installing the package, which would replace the machine's own ifup. */
async function ifupdownNg(): Promise<string> {
  const tree = `${cache}/tree`;
  if (await Deno.stat(tree).then(() => true, () => false)) return tree;
  await Deno.remove(cache, { recursive: true }).catch(() => {});
  await Deno.mkdir(cache, { recursive: true });
  await run(["apt-get", "download", "ifupdown-ng"], { cwd: cache });
  for await (const { name } of Deno.readDir(cache)) {
    if (name.endsWith(".deb")) await run(["dpkg-deb", "-x", `${cache}/${name}`, `${cache}/staged`]);
  }
  await Deno.rename(`${cache}/staged`, tree);
  return tree;
}

async function interfacesFile(layout: string): Promise<string> {
  const url = new URL(`../../agent/install/identity/golden/alpine/${layout}.txt`, import.meta.url);
  const [, text] = /^== write \/etc\/network\/interfaces 644\n([^]*?)(?=^== )/m.exec(
    await Deno.readTextFile(url),
  ) ?? [];
  return text ?? assert.fail(`${layout} has no interfaces file`);
}

/** Bonds and VLANs need kernel modules that a test's machine may lack. */
for (const layout of ["one-static", "one-static-and-ipv6", "two-static"]) {
  Deno.test({
    name: `ifupdown-ng gives a clone its addresses, gateways and MTU: ${layout}`,
    ...needs({
      root: true,
      programs: ["apt-get", "dpkg-deb", "ip"],
      files: ["/usr/lib/x86_64-linux-gnu/libbsd.so.0"],
    }),
    async fn() {
      const tree = await ifupdownNg();
      await using namespace = await NetworkNamespace.create("alpine");
      for (const i of [0, 1]) {
        await namespace.ip(["link", "add", `eth${i}`, "type", "veth", "peer", "name", `peer${i}`]);
        await namespace.ip(["link", "set", `peer${i}`, "up"]);
      }
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${folder}/interfaces`, await interfacesFile(layout));
        const { code, stderr } = await namespace.run([
          ...[`${tree}/sbin/ifup`, "-a", "-i", `${folder}/interfaces`, "-S", `${folder}/state`],
          ...["--executor-path", `${tree}/usr/libexec/ifupdown-ng`],
        ]);
        assert.equal(code, 0, stderr);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
      const routes = await namespace.ip(["route"]) + await namespace.ip(["-6", "route"]);
      for (const [i, one] of (LAYOUTS[layout] ?? []).entries()) {
        const shown = await namespace.ip(["address", "show", "dev", `eth${i}`]);
        for (const address of one.addresses) {
          assert.ok(shown.includes(` ${address} `), `${address}\n${shown}`);
        }
        for (const gateway of one.gateways) {
          assert.ok(routes.includes(`default via ${gateway} dev eth${i}`), `${gateway}\n${routes}`);
        }
        assert.ok(shown.includes(` mtu ${one.mtu ?? 1500} `), shown);
      }
    },
  });
}
