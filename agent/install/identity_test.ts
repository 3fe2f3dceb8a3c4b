/**
 * Golden files: `golden/NAME.txt` is what a clone's files become. After a change that is meant, run with
 * RACKSEED_GOLDEN=write and read the difference.
 */
import assert from "node:assert/strict";
import { type FileChange, hostsFile, type Identity, identityChanges, type IdentityTree } from "./identity.ts";
import { clearInterfaces, interfaceNames } from "./interfaces_file.ts";

const fixed: Identity = {
  hostname: "n1.example.org",
  address: "10.0.0.5/24",
  gateway: "10.0.0.1",
  dns: ["10.0.0.2", "10.0.0.3"],
  mac: "52:54:00:12:34:56",
};
const dhcp: Identity = { hostname: "n1", address: "dhcp", dns: [] };

const tree = (texts: Record<string, string>, { paths = [], symlinks = [] }: {
  paths?: string[];
  symlinks?: string[];
} = {}): IdentityTree => ({
  texts: new Map(Object.entries({
    "/etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tweb.example.org web\n10.0.0.9 web.example.org\n",
    "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    ...texts,
  })),
  paths: new Set([...Object.keys(texts), ...paths, ...symlinks]),
  symlinks: new Set(symlinks),
});

const NETWORKD = "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service";
const MANAGER = "/etc/systemd/system/multi-user.target.wants/NetworkManager.service";
const INTERFACES = `# The loopback network interface
auto lo
iface lo inet loopback

auto ens3 br0
iface ens3 inet static
    address 192.168.1.10/24
    gateway 192.168.1.1

iface br0 inet manual
    bridge_ports none
source /etc/network/interfaces.d/*
`;

const cases: { name: string; identity: Identity; tree: IdentityTree }[] = [
  {
    name: "networkd",
    identity: fixed,
    tree: tree({
      "/etc/systemd/network/10-lan.network": "[Match]\nType=ether\n\n[Network]\nAddress=192.168.1.10/24\n",
      "/etc/systemd/network/20-wan.network": "[Match]\nName=en*\n\n[Network]\nDHCP=yes\n",
      "/etc/resolv.conf": "nameserver 192.168.1.1\n",
    }, { paths: [NETWORKD, "/var/lib/systemd/random-seed", "/etc/ssh/ssh_host_rsa_key"] }),
  },
  {
    name: "networkd_dhcp",
    identity: dhcp,
    tree: tree({}, { paths: [NETWORKD], symlinks: ["/etc/resolv.conf", "/var/lib/dbus/machine-id"] }),
  },
  {
    name: "ifupdown",
    identity: fixed,
    tree: tree({
      "/etc/network/interfaces": INTERFACES,
      "/etc/network/interfaces.d/storage": "auto ens4\niface ens4 inet static\n    address 10.9.0.1/24\n",
      "/var/lib/dbus/machine-id": "0123456789abcdef0123456789abcdef\n",
    }),
  },
  { name: "ifupdown_dhcp", identity: dhcp, tree: tree({ "/etc/network/interfaces": INTERFACES }) },
  {
    name: "network_manager",
    identity: fixed,
    tree: tree({
      "/etc/NetworkManager/system-connections/lan.nmconnection":
        "[connection]\nid=lan\n[ipv4]\naddress1=192.168.1.10/24,192.168.1.1\nmethod=manual\n",
      "/etc/NetworkManager/system-connections/auto.nmconnection":
        "[connection]\nid=auto\n[ipv4]\nmethod=auto\n",
      "/etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\nIPADDR=192.168.1.10\n",
      "/etc/sysconfig/network-scripts/ifcfg-lo": "DEVICE=lo\nIPADDR=127.0.0.1\n",
    }, { paths: [MANAGER, "/var/lib/NetworkManager/secret_key"] }),
  },
  {
    name: "netplan",
    identity: fixed,
    tree: tree({
      "/etc/netplan/50-cloud-init.yaml":
        "network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    ens3:\n" +
        "      addresses: [192.168.1.10/24]\n",
    }, { paths: ["/etc/cloud/cloud.cfg.d", NETWORKD] }),
  },
];

const golden = (name: string) => new URL(`./golden/${name}.txt`, import.meta.url);

function show(change: FileChange): string {
  if (change.do !== "write") return `== ${change.do} ${change.path}\n`;
  return `== write ${change.path} ${change.mode.toString(8)}\n${change.text}`;
}

for (const { name, identity, tree } of cases) {
  Deno.test(`identity as golden file: ${name}`, async () => {
    const changes = identityChanges(identity, {
      tree,
      templateHostname: "web.example.org",
      bootMac: "52:54:00:AA:BB:CC",
      machineId: "f".repeat(32),
      connectionUuid: "00000000-0000-4000-8000-000000000000",
    });
    const text = changes.map(show).join("");
    if (Deno.env.get("RACKSEED_GOLDEN") === "write") await Deno.writeTextFile(golden(name), text);
    assert.equal(text, await Deno.readTextFile(golden(name)));
  });
}

const hosts: { name: string; text: string; expected: string }[] = [
  {
    name: "Debian's line for the own name",
    text: "127.0.0.1\tlocalhost\n127.0.1.1\tweb\n",
    expected: "127.0.0.1\tlocalhost\n127.0.1.1\tn1\n",
  },
  {
    name: "RHEL's, where the name stands with localhost",
    text: "127.0.0.1 localhost web # own\n::1 localhost web\n",
    expected: "127.0.0.1\tlocalhost n1\n::1\tlocalhost n1\n",
  },
  {
    name: "the cluster's other machines stay, the template among them",
    text: "127.0.0.1 localhost\n10.0.0.9 web\n10.0.0.5 n1\n",
    expected: "127.0.0.1 localhost\n127.0.1.1\tn1\n10.0.0.9 web\n10.0.0.5 n1\n",
  },
  {
    name: "a name that only begins like the template's is another machine's",
    text: "127.0.0.1 localhost\n127.0.1.1 web2\n",
    expected: "127.0.0.1 localhost\n127.0.1.1\tn1\n127.0.1.1 web2\n",
  },
];
for (const { name, text, expected } of hosts) {
  Deno.test(`hosts file: ${name}`, () => {
    assert.equal(hostsFile(text, { hostname: "n1", templateHostname: "web" }), expected);
    const again = hostsFile(expected, { hostname: "n1", templateHostname: "web" });
    assert.equal(hostsFile(again, { hostname: "n1", templateHostname: "web" }), again);
  });
}

Deno.test("interfaces: names are found, a clone's own is put out of force, others stay", () => {
  assert.deepEqual(interfaceNames(INTERFACES), ["ens3", "br0"]);
  const cleared = clearInterfaces(INTERFACES, "ens3");
  assert.match(cleared, /^auto br0$/m);
  assert.match(cleared, /^# template: iface ens3 inet static$/m);
  assert.match(cleared, /^# template: {5}address 192\.168\.1\.10\/24$/m);
  assert.match(cleared, /^iface br0 inet manual$/m);
  assert.equal(clearInterfaces(cleared, "ens3"), cleared);
});
