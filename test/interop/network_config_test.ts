/** The golden network configurations, read by the programs that they are written for. */
import assert from "node:assert/strict";
import { byKey, LAYOUTS, NICS } from "../../agent/install/identity/testing/layouts.ts";
import { readNetworkd } from "../../agent/install/identity/network_config/networkd.ts";
import { resolveNics } from "../../agent/install/identity/network_config/resolve_nics.ts";
import { needs } from "../support/needs.ts";

/** The files that a golden file holds, by path. */
async function golden(system: string, layout: string): Promise<Map<string, string>> {
  const url = new URL(`../../agent/install/identity/golden/${system}/${layout}.txt`, import.meta.url);
  const parts = (await Deno.readTextFile(url)).split(/^== (.*)\n/m).slice(1);
  return new Map(parts.flatMap((head, i): [string, string][] => {
    const [, path] = /^write (\S+) \d+$/.exec(head) ?? [];
    return i % 2 === 0 && path ? [[path, parts[i + 1] ?? ""]] : [];
  }));
}

async function run(argv: string[], { stdin = "" } = {}): Promise<string> {
  const [program = "", ...args] = argv;
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).then(() => writer.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(code, 0, `${argv.join(" ")}: ${text(stderr)}`);
  // ifup prints what it would do on standard error.
  return text(stdout) + text(stderr);
}

const layouts = Object.entries(LAYOUTS);
const folder = () => Deno.makeTempDir({ prefix: "rackseed-config-" });

Deno.test({
  name: "netplan turns every layout into the equivalent networkd configuration",
  ...needs({ programs: ["netplan"] }),
  async fn() {
    for (const [layout, interfaces] of layouts) {
      const root = await folder();
      await Deno.mkdir(`${root}/etc/netplan`, { recursive: true });
      const yaml = (await golden("ubuntu-server", layout)).get("/etc/netplan/99-rackseed.yaml") ?? "";
      await Deno.writeTextFile(`${root}/etc/netplan/99-rackseed.yaml`, yaml, { mode: 0o600 });
      await run(["netplan", "generate", "--root-dir", root]);
      const made = new Map<string, string>();
      const at = `${root}/run/systemd/network`;
      for await (const { name } of Deno.readDir(at)) {
        made.set(`/etc/systemd/network/${name}`, await Deno.readTextFile(`${at}/${name}`));
      }
      const found = resolveNics(readNetworkd(made), NICS);
      assert.deepEqual([byKey(found.interfaces), found.notes], [byKey(interfaces), []], layout);
      await Deno.remove(root, { recursive: true });
    }
  },
});

Deno.test({
  name: "ifupdown would give every layout its addresses and gateways",
  ...needs({ programs: ["ifup", "ifquery"] }),
  async fn() {
    for (const system of ["debian-ifupdown", "debian-ifupdown-bond", "alpine", "devuan-eudev"]) {
      for (const [layout, interfaces] of layouts) {
        const root = await folder();
        const file = `${root}/interfaces`;
        // Other files of the machine do not count.
        const text = (await golden(system, layout)).get("/etc/network/interfaces")?.replace(
          /^source.*$/m,
          "",
        );
        await Deno.writeTextFile(file, text ?? "");
        const options = ["--interfaces", file, "--state-dir", root];
        const done = await run(["ifup", "--no-act", "--no-scripts", "-a", ...options]);
        for (const { addresses, gateways } of interfaces) {
          for (const address of addresses === "dhcp" ? [] : addresses) {
            assert.ok(
              done.includes(` ${address.split("/")[0]}/`),
              `${system} ${layout}: ${address}\n${done}`,
            );
          }
          for (const gateway of gateways) assert.match(done, new RegExp(`default via ${gateway} `), layout);
        }
        const dhcp = interfaces.filter((i) => i.addresses === "dhcp").length;
        assert.equal(done.match(/^.*dhclient -4.*$/gm)?.length ?? 0, dhcp, `${system} ${layout}`);
        await Deno.remove(root, { recursive: true });
      }
    }
  },
});

Deno.test({
  name: "NetworkManager accepts every profile",
  ...needs({ programs: ["nmcli"] }),
  async fn() {
    for (const [layout] of layouts) {
      for (const [path, text] of await golden("rhel-9", layout)) {
        if (!path.endsWith(".nmconnection")) continue;
        const read = await run(["nmcli", "--offline", "connection", "modify", "connection.zone", "x"], {
          stdin: text,
        });
        for (const line of text.split("\n")) {
          const isFact = /^(address\d|mac-address|id|mode|parent|master|mtu|interface-name)=/.test(line);
          if (isFact) assert.ok(read.includes(line), `${layout} ${path}: ${line}\n${read}`);
        }
      }
    }
  },
});
