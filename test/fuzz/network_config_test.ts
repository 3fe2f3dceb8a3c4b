/** Untrusted network configuration of an old disk: whatever is there, what is kept of it is well formed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { NetworkInterfaces } from "#contract/identity.ts";
import { networkOf } from "../../agent/install/identity/read_identity.ts";

const NICS = ["52:54:00:00:00:0a", "52:54:00:00:00:0b"].map((mac, i) => ({
  mac,
  names: [`eth${i}`, `ens${i}`],
}));

const KINDS: Record<string, { paths: string[]; words: string[]; enabled?: string }> = {
  ifupdown: {
    paths: ["/etc/network/interfaces", "/etc/network/interfaces.d/x"],
    words: [
      "auto eth0",
      "iface eth0 inet static",
      "iface eth1 inet6 static",
      "iface bond0 inet dhcp",
      " address",
      " netmask",
      " gateway",
      " bond-slaves eth0",
      " bond-mode 9",
      " vlan-raw-device bond0",
      " vlan-id",
      "iface eth0.5 inet manual",
    ],
  },
  networkd: {
    paths: ["/etc/systemd/network/a.network", "/etc/systemd/network/b.netdev", "/etc/systemd/network/c.link"],
    words: [
      "[Match]",
      "[Network]",
      "[NetDev]",
      "[VLAN]",
      "[Bond]",
      "[Route]",
      "Name=eth0",
      "Name=*",
      "Kind=vlan",
      "Kind=bond",
      "Bond=eth0",
      "VLAN=eth0",
      "Id=",
      "Address=",
      "DHCP=yes",
      "MACAddress=52:54:00:00:00:0A",
      "Gateway=",
    ],
    enabled: "systemd-networkd.service",
  },
  NetworkManager: {
    paths: [
      "/etc/NetworkManager/system-connections/a",
      "/etc/NetworkManager/system-connections/b.nmconnection",
    ],
    words: [
      "[connection]",
      "[ipv4]",
      "[vlan]",
      "[bond]",
      "[ethernet]",
      "type=ethernet",
      "type=vlan",
      "type=bond",
      "id=eth0",
      "uuid=1",
      "master=1",
      "parent=1",
      "address1=",
      "method=auto",
      "mac-address=52:54:00:00:00:0a",
      "id=",
    ],
  },
  netplan: {
    paths: ["/etc/netplan/a.yaml"],
    words: [
      "network:",
      "  ethernets:",
      "  bonds: {bond0: {interfaces: [eth0], parameters: {mode: x}}}",
      "  vlans:",
      "    eth0:",
      "      dhcp4: true",
      "      addresses: [",
      "      addresses: {a: b}",
      "      id: 5",
      "      link: eth0",
      "    __proto__: {dhcp4: true}",
      "    - x",
      "  ethernets: &a {eth0: *a}",
      "      match: {macaddress: 5}",
      "      match: []",
    ],
  },
  ifcfg: {
    paths: ["/etc/sysconfig/network-scripts/ifcfg-eth0", "/etc/sysconfig/network-scripts/ifcfg-x"],
    words: [
      "DEVICE=eth0",
      "HWADDR=52:54:00:00:00:0a",
      "IPADDR=",
      "PREFIX=",
      "TYPE=Bond",
      "VLAN=yes",
      "MASTER=eth0",
      "PHYSDEV=",
      'BONDING_OPTS="mode=7"',
      "BOOTPROTO=dhcp",
      "GATEWAY=",
    ],
  },
  wicked: {
    enabled: "wicked.service",
    paths: [
      "/etc/sysconfig/network/ifcfg-eth0",
      "/etc/sysconfig/network/ifroute-eth0",
      "/etc/sysconfig/network/config",
    ],
    words: [
      "IPADDR=",
      "IPADDR_1='10.0.0.6/24'",
      "NETMASK=",
      "PREFIXLEN=",
      "BOOTPROTO='dhcp'",
      "BONDING_MASTER='yes'",
      "BONDING_SLAVE_0='eth0'",
      "BONDING_MODULE_OPTS='mode=7'",
      "ETHERDEVICE=",
      "VLAN_ID=",
      "default 10.0.0.1 - ",
      "default",
      'NETCONFIG_DNS_STATIC_SERVERS="10.0.0.2"',
      "MTU=",
    ],
  },
};

const value = fc.constantFrom(
  "",
  "10.0.0.5/24",
  "10.0.0.5",
  "2001:db8::5/64",
  "999",
  "4095",
  "x".repeat(300),
  "../..",
  "\0",
);

for (const [kind, { paths, words, enabled }] of Object.entries(KINDS)) {
  Deno.test(`garbage in a configuration of ${kind} is left out, and nothing else happens`, () => {
    const line = fc.oneof(
      fc.tuple(fc.constantFrom(...words), fc.constantFrom("", " "), value).map((parts) => parts.join("")),
      fc.string({ maxLength: 40 }),
    );
    const text = fc.array(line, { maxLength: 25 }).map((lines) => lines.join("\n"));
    const tree = fc.tuple(...paths.map(() => text)).map((texts) => ({
      texts: new Map(paths.map((path, i) => [path, texts[i] ?? ""])),
      paths: new Set(enabled ? [`/etc/systemd/system/multi-user.target.wants/${enabled}`] : []),
      symlinks: new Set<string>(),
    }));
    fc.assert(
      fc.property(tree, (tree) => {
        const { interfaces } = networkOf(tree, NICS);
        assert.ok(NetworkInterfaces.safeParse(interfaces).success);
        assert.ok(interfaces.every((i) => i.kind !== "ethernet" || NICS.some((c) => c.mac === i.mac)));
      }),
      { numRuns: 400 },
    );
  });
}

Deno.test("YAML that would take minutes to read is left out, and reported", () => {
  const path = "/etc/netplan/a.yaml";
  const text = `network: ${"&a ".repeat(300_000)}`;
  const start = performance.now();
  const { interfaces, notes } = networkOf({
    texts: new Map([[path, text]]),
    paths: new Set(),
    symlinks: new Set(),
  }, NICS);
  assert.deepEqual(interfaces, []);
  assert.ok(notes.includes(`${path} is too long to be read`), notes.join());
  assert.ok(performance.now() - start < 20_000);
});

const PATTERNS: [what: string, name: string][] = [
  ["more stars than an expression can count", `${"*a".repeat(40)}b`],
  ["longer than an expression may be", "bond".repeat(20_000)],
];

for (const [what, name] of PATTERNS) {
  Deno.test(`a NIC name that is a pattern ${what} matches nothing`, () => {
    const nics = [{ mac: "52:54:00:00:00:0a", names: ["aaaaaaaaaaaaaaa"] }, ...NICS];
    const start = performance.now();
    const { interfaces } = networkOf({
      texts: new Map([["/etc/systemd/network/a.network", `[Match]\nName=${name}\n[Network]\nDHCP=yes\n`]]),
      paths: new Set(["/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"]),
      symlinks: new Set(),
    }, nics);
    assert.deepEqual(interfaces, []);
    assert.ok(performance.now() - start < 10_000);
  });
}

Deno.test("reading a megabyte of stanzas takes linear time", () => {
  const stanzas = Array.from(
    { length: 24_000 },
    (_, i) => `iface e${i} inet static\n  address 10.0.0.5/24\n`,
  );
  const start = performance.now();
  networkOf({
    texts: new Map([["/etc/network/interfaces", stanzas.join("")]]),
    paths: new Set(),
    symlinks: new Set(),
  }, NICS);
  assert.ok(performance.now() - start < 20_000);
});
