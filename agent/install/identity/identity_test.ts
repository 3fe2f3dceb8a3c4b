/**
 * Golden files: `golden/SYSTEM/LAYOUT.txt` holds the files of a clone. After an intended change, run with
 * RACKSEED_GOLDEN=write and review the diff. The written files are also read back as if from an old disk.
 */
import assert from "node:assert/strict";
import { byKey, DHCP, LAYOUTS, NICS } from "./testing/layouts.ts";
import { type Identity, Identity as IdentitySchema, type NetworkInterface } from "#contract/identity.ts";
import { type FileChange, hostsFile, identityChanges } from "./identity.ts";
import type { IdentityTree } from "./identity_tree.ts";
import { clearInterfaces } from "./interfaces_file.ts";
import { networkOf } from "./read_identity.ts";
import { renamedText } from "./renaming.ts";

const NETWORKD = "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service";
const MANAGER = "/etc/systemd/system/multi-user.target.wants/NetworkManager.service";
const PLUGIN = "/usr/lib64/NetworkManager/1.40.16-15.el8/libnm-settings-plugin-ifcfg-rh.so";
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

/** Templates as distributions install them, or as people set them up. */
const SYSTEMS: Record<string, IdentityTree> = {
  "debian-ifupdown": tree({
    "/etc/network/interfaces": INTERFACES,
    "/etc/network/interfaces.d/storage": "auto ens4\niface ens4 inet static\n    address 10.9.0.1/24\n",
    "/var/lib/dbus/machine-id": "0123456789abcdef0123456789abcdef\n",
    "/etc/resolv.conf": "nameserver 192.168.1.1\n",
  }),
  "debian-ifupdown-bond": tree({
    "/etc/network/interfaces":
      "auto lo\niface lo inet loopback\n\nauto bond0\niface bond0 inet static\n  address 192.168.1.10/24\n" +
      "  bond-slaves eno1 eno2\n  bond-mode 802.3ad\n\niface eno1 inet manual\n  bond-master bond0\n",
  }),
  "debian-networkd": tree({
    "/etc/systemd/network/10-lan.network": "[Match]\nType=ether\n\n[Network]\nAddress=192.168.1.10/24\n",
    "/etc/systemd/network/20-wan.network": "[Match]\nName=en*\n\n[Network]\nDHCP=yes\n",
    "/etc/systemd/network/30-bond0.netdev": "[NetDev]\nName=bond0\nKind=bond\n",
    "/etc/resolv.conf": "nameserver 192.168.1.1\n",
  }, {
    paths: [NETWORKD, "/var/lib/systemd/random-seed", "/etc/ssh/ssh_host_rsa_key"],
    symlinks: ["/var/lib/dbus/machine-id"],
  }),
  "ubuntu-server": tree({
    "/etc/netplan/50-cloud-init.yaml":
      "network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    ens3:\n" +
      "      addresses: [192.168.1.10/24]\n",
  }, { paths: ["/etc/cloud/cloud.cfg.d", NETWORKD], symlinks: ["/etc/resolv.conf"] }),
  "ubuntu-desktop": tree({
    "/etc/netplan/01-network-manager-all.yaml": "network:\n  version: 2\n  renderer: NetworkManager\n",
  }, { paths: [MANAGER], symlinks: ["/etc/resolv.conf"] }),
  "rhel-9": tree({
    "/etc/NetworkManager/system-connections/lan.nmconnection":
      "[connection]\nid=lan\n[ipv4]\naddress1=192.168.1.10/24,192.168.1.1\nmethod=manual\n",
    "/etc/NetworkManager/system-connections/auto.nmconnection":
      "[connection]\nid=auto\n[ipv4]\nmethod=auto\n",
    "/etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\nIPADDR=192.168.1.10\n",
    "/etc/sysconfig/network-scripts/ifcfg-lo": "DEVICE=lo\nIPADDR=127.0.0.1\n",
  }, { paths: [MANAGER, "/var/lib/NetworkManager/secret_key"] }),
  "rhel-8": tree({
    "/etc/sysconfig/network-scripts/ifcfg-ens3":
      "TYPE=Ethernet\nBOOTPROTO=none\nNAME=ens3\nDEVICE=ens3\nONBOOT=yes\nIPADDR=192.168.1.10\nPREFIX=24\n",
  }, { paths: [MANAGER, PLUGIN] }),
  // NetworkManager there ignores the old file
  "rhel-10": tree({
    "/etc/sysconfig/network-scripts/ifcfg-ens3":
      "TYPE=Ethernet\nDEVICE=ens3\nONBOOT=yes\nIPADDR=192.168.1.10\n",
  }, { paths: [MANAGER] }),
  "sles-15": tree({
    "/etc/sysconfig/network/ifcfg-eth0":
      "BOOTPROTO='static'\nSTARTMODE='auto'\nIPADDR='192.168.1.10/24'\nZONE=public\n",
    "/etc/sysconfig/network/ifcfg-lo": "IPADDR=127.0.0.1/8\nSTARTMODE=nfsroot\n",
    "/etc/sysconfig/network/ifcfg.template": "BOOTPROTO=\n",
    "/etc/sysconfig/network/routes": "default 192.168.1.1 - -\n10.20.0.0/16 192.168.1.2 - -\n",
    "/etc/sysconfig/network/config":
      'NETCONFIG_DNS_POLICY="auto"\nNETCONFIG_DNS_STATIC_SERVERS="192.168.1.1"\nNETCONFIG_NTP_POLICY="auto"\n',
  }, {
    paths: ["/etc/systemd/system/multi-user.target.wants/wicked.service"],
    symlinks: ["/etc/resolv.conf"],
  }),
  "alpine": tree({
    "/etc/network/interfaces":
      "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet static\n\taddress 192.168.1.10/24\n" +
      "\tgateway 192.168.1.1\n",
    "/etc/resolv.conf": "nameserver 192.168.1.1\n",
  }, { paths: ["/etc/alpine-release"] }),
  "devuan-eudev": tree({ "/etc/network/interfaces": INTERFACES }, { paths: ["/sbin/udevd"] }),
  "arch": tree({
    "/etc/systemd/network/20-wired.network":
      "[Match]\nName=enp1s0\n\n[Network]\nAddress=192.168.1.10/24\nGateway=192.168.1.1\n",
  }, { paths: [NETWORKD], symlinks: ["/etc/resolv.conf"] }),
  "rhel-7": tree({
    "/etc/sysconfig/network-scripts/ifcfg-ens3":
      'TYPE="Ethernet"\nBOOTPROTO="dhcp"\nNAME="ens3"\nDEVICE="ens3"\nONBOOT="yes"\n',
    "/etc/sysconfig/network-scripts/ifcfg-lo": "DEVICE=lo\nIPADDR=127.0.0.1\n",
  }, { paths: [MANAGER, PLUGIN] }),
};

function change(identity: Identity, tree: IdentityTree): FileChange[] {
  let uuids = 0;
  return identityChanges(identity, {
    tree,
    templateHostname: "web.example.org",
    bootMac: "52:54:00:AA:BB:CC",
    nics: NICS.map(withKernelName),
    machineId: "f".repeat(32),
    uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, "0")}`,
  });
}

function show(change: FileChange): string {
  if (change.do !== "write") return `== ${change.do} ${change.path}\n`;
  return `== write ${change.path} ${change.mode.toString(8)}\n${change.text}`;
}

/** The tree after the changes. */
function changed({ texts, paths, symlinks }: IdentityTree, changes: readonly FileChange[]): IdentityTree {
  const after = new Map(texts);
  for (const change of changes) {
    if (change.do === "write") after.set(change.path, change.text);
    else after.delete(change.path);
  }
  return { texts: after, paths, symlinks };
}

for (const [system, tree] of Object.entries(SYSTEMS)) {
  for (const [layout, interfaces] of Object.entries(LAYOUTS)) {
    Deno.test(`identity as golden file, and read back: ${system}, ${layout}`, async () => {
      const identity = IdentitySchema.parse({ hostname: "n1.example.org", interfaces });
      const changes = change(identity, tree);
      const golden = new URL(`./golden/${system}/${layout}.txt`, import.meta.url);
      const text = changes.map(show).join("");
      if (Deno.env.get("RACKSEED_GOLDEN") === "write") {
        await Deno.mkdir(new URL(".", golden), { recursive: true });
        await Deno.writeTextFile(golden, text);
      }
      assert.equal(text, await Deno.readTextFile(golden));
      const found = networkOf(changed(tree, changes), NICS.map(withKernelName));
      const own = found.interfaces.filter((i) => i.kind !== "ethernet" || i.addresses.length > 0);
      assert.deepEqual(
        byKey(own.filter((i) => isWanted(i, interfaces))),
        byKey(interfaces.filter((i) => i.kind !== "ethernet" || i.addresses.length > 0)),
      );
    });
  }
}

/** The NIC with the name that the kernel gives it, besides udev's. */
function withKernelName({ mac, names }: { mac: string; names: readonly string[] }, i: number) {
  return { mac, names: [`eth${i}`, ...names] };
}

/** The template's DHCP stays active on NICs that the clone's configuration does not name. */
function isWanted(found: NetworkInterface, wanted: readonly NetworkInterface[]): boolean {
  return found.kind !== "ethernet" || found.addresses !== "dhcp" ||
    wanted.some((w) => w.kind === "ethernet" && w.mac === found.mac);
}

Deno.test("identity: kept values are written; the template's keys are removed, and fresh ones are still to be made", () => {
  const key = { name: "ssh_host_ed25519_key", privateKey: "private\n", publicKey: "public\n" };
  const changes = change(
    { hostname: "n1", interfaces: [], machineId: "1".repeat(32), hostKeys: [key] },
    tree({}, { paths: ["/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_rsa_key"] }),
  );
  const shown = changes.filter((c) => /ssh|machine/.test(c.path)).map(show).join("");
  assert.equal(
    shown,
    `== write /etc/machine-id 444\n${"1".repeat(32)}\n== remove /etc/ssh/ssh_host_rsa_key\n` +
      "== write /etc/ssh/ssh_host_ed25519_key 600\nprivate\n== write /etc/ssh/ssh_host_ed25519_key.pub 644\npublic\n",
  );
});

Deno.test("identity: the machine-id keeps the mode that each of its files has", () => {
  const dbus = "/var/lib/dbus/machine-id";
  const template = { ...tree({ [dbus]: "0".repeat(32) }), modes: new Map([[dbus, 0o644]]) };
  const changes = change({ hostname: "n1", interfaces: [], machineId: "1".repeat(32) }, template);
  const shown = changes.filter(({ path }) => /machine-id/.test(path)).map(show).join("");
  assert.equal(
    shown,
    `== write /etc/machine-id 444\n${"1".repeat(32)}\n== write ${dbus} 644\n${"1".repeat(32)}\n`,
  );
});

Deno.test("identity: a NIC without a MAC is the one the machine booted from", () => {
  const interfaces: NetworkInterface[] = [{ kind: "ethernet", ...DHCP }];
  const changes = change({ hostname: "n1", interfaces }, SYSTEMS["debian-networkd"]!);
  assert.match(changes.map(show).join(""), /MACAddress=52:54:00:aa:bb:cc/);
});

const hosts: { name: string; text: string; expected: string; hostname?: string; template?: string }[] = [
  {
    name: "Debian's line for the machine's own name",
    text: "127.0.0.1\tlocalhost\n127.0.1.1\tweb\n",
    expected: "127.0.0.1\tlocalhost\n127.0.1.1\tn1\n",
  },
  {
    name: "the domain stays if the node's name has none",
    text: "127.0.0.1\tlocalhost\n127.0.1.1\tweb.example.com web\n",
    expected: "127.0.0.1\tlocalhost\n127.0.1.1\tn1.example.com n1\n",
  },
  {
    name: "the domain stays if the template's host name has it, too",
    template: "web.example.com",
    text: "127.0.0.1\tlocalhost\n127.0.1.1\tweb.example.com web\n",
    expected: "127.0.0.1\tlocalhost\n127.0.1.1\tn1.example.com n1\n",
  },
  {
    name: "the domain alone is followed by the short name",
    text: "127.0.0.1\tlocalhost\n127.0.1.1\tweb.example.com\n",
    expected: "127.0.0.1\tlocalhost\n127.0.1.1\tn1.example.com n1\n",
  },
  {
    name: "the node's own domain takes precedence over the template's",
    hostname: "n1.lab.test",
    text: "127.0.0.1\tlocalhost\n127.0.1.1\tweb.example.com web www\n",
    expected: "127.0.0.1\tlocalhost\n127.0.1.1\tn1.lab.test n1 www\n",
  },
  {
    name: "if the short name is the canonical one, it stays so",
    text: "127.0.0.1\tlocalhost\n127.0.1.1\tweb web.example.com\n",
    expected: "127.0.0.1\tlocalhost\n127.0.1.1\tn1 n1.example.com\n",
  },
  {
    name: "with a static address the domain is on that address's line",
    text: "127.0.0.1 localhost\n10.0.0.9 web.example.com web\n",
    expected: "127.0.0.1 localhost\n127.0.1.1\tn1.example.com n1\n10.0.0.9 web.example.com web\n",
  },
  {
    name: "RHEL's, with the name on the localhost line",
    text: "127.0.0.1 localhost web # own\n::1 localhost web\n",
    expected: "127.0.0.1\tlocalhost n1\n::1\tlocalhost n1\n",
  },
  {
    name: "with a template that was never named, localhost stays",
    template: "localhost.localdomain",
    text: "127.0.0.1 localhost localhost.localdomain\n::1 localhost\n",
    expected: "127.0.0.1 localhost localhost.localdomain\n127.0.1.1\tn1\n::1 localhost\n",
  },
  {
    name: "the cluster's other machines stay, including the template",
    text: "127.0.0.1 localhost\n10.0.0.9 web\n10.0.0.5 n1\n",
    expected: "127.0.0.1 localhost\n127.0.1.1\tn1\n10.0.0.9 web\n10.0.0.5 n1\n",
  },
  {
    name: "a name that only begins like the template's belongs to another machine",
    text: "127.0.0.1 localhost\n127.0.1.1 web2\n",
    expected: "127.0.0.1 localhost\n127.0.1.1\tn1\n127.0.1.1 web2\n",
  },
];
for (const { name, text, expected, hostname = "n1", template = "web" } of hosts) {
  Deno.test(`hosts file: ${name}`, () => {
    const names = { hostname, templateHostname: template };
    assert.equal(hostsFile(text, names), expected);
    const again = hostsFile(expected, names);
    assert.equal(hostsFile(again, names), again);
  });
}

const settings: { path: string; text: string; expected: string | undefined }[] = [
  { path: "/etc/mailname", text: "web.example.com\n", expected: "n1.example.com\n" },
  { path: "/etc/mailname", text: "example.com\n", expected: undefined },
  {
    path: "/etc/postfix/main.cf",
    text: "# myhostname = web\nmyhostname = web.example.com\nmyorigin = /etc/mailname\n" +
      "mydestination = $myhostname, web.example.com,\n  localhost, mail.web.example.com, web\nrelayhost = web\n",
    expected: "# myhostname = web\nmyhostname = n1.example.com\nmyorigin = /etc/mailname\n" +
      "mydestination = $myhostname, n1.example.com,\n  localhost, mail.web.example.com, n1\nrelayhost = web\n",
  },
  {
    path: "/etc/exim4/update-exim4.conf.conf",
    text: "dc_eximconfig_configtype='local'\ndc_other_hostnames='web.example.com:lists.example.com'\n",
    expected: "dc_eximconfig_configtype='local'\ndc_other_hostnames='n1.example.com:lists.example.com'\n",
  },
  {
    path: "/etc/sysconfig/network",
    text: "NETWORKING=yes\nHOSTNAME=web.example.com\n",
    expected: "NETWORKING=yes\nHOSTNAME=n1.example.com\n",
  },
  { path: "/etc/HOSTNAME", text: "web.example.com\n", expected: "n1.example.com\n" },
  { path: "/etc/conf.d/hostname", text: 'hostname="web"\n', expected: 'hostname="n1"\n' },
  {
    path: "/etc/zabbix/zabbix_agentd.conf",
    text: "Server=web-master\nHostname=web\nHostnameItem=system.hostname\n",
    expected: "Server=web-master\nHostname=n1\nHostnameItem=system.hostname\n",
  },
  { path: "/etc/zabbix/zabbix_agentd.conf", text: "Hostname=Zabbix server\n", expected: undefined },
  {
    path: "/etc/salt/minion",
    text: "master: web.example.com\nid: web\n",
    expected: "master: web.example.com\nid: n1\n",
  },
  {
    path: "/etc/puppetlabs/puppet/puppet.conf",
    text: "[main]\nserver = puppet\ncertname = web.example.com\n",
    expected: "[main]\nserver = puppet\ncertname = n1.example.com\n",
  },
  {
    path: "/etc/samba/smb.conf",
    text: "[global]\n  netbios name = WEB\n  server string = web\n",
    expected: "[global]\n  netbios name = N1\n  server string = web\n",
  },
];
for (const { path, text, expected } of settings) {
  Deno.test(`the template's name is replaced in ${path}: ${JSON.stringify(text)}`, () => {
    assert.equal(renamedText(path, { text, hostname: "n1", templateHostname: "web" }), expected);
  });
}

Deno.test("localhost is no machine's own name, so settings keep it", () => {
  const names = { hostname: "n1", templateHostname: "localhost" };
  assert.equal(renamedText("/etc/mailname", { text: "localhost\n", ...names }), undefined);
});

Deno.test("renamed settings keep their mode, and get the node's own domain", () => {
  const texts = { "/etc/mailname": "web.example.org\n" };
  const changes = change({ hostname: "n1.lab.test", interfaces: [] }, tree(texts));
  const shown = changes.filter((c) => c.path === "/etc/mailname").map(show).join("");
  assert.equal(shown, "== write /etc/mailname 644\nn1.lab.test\n");
});

Deno.test("interfaces: the clone's own stanzas are disabled, others stay", () => {
  const cleared = clearInterfaces(INTERFACES, ["ens3"]);
  assert.match(cleared, /^auto br0$/m);
  assert.match(cleared, /^# template: iface ens3 inet static$/m);
  assert.match(cleared, /^# template: {5}address 192\.168\.1\.10\/24$/m);
  assert.match(cleared, /^iface br0 inet manual$/m);
  assert.equal(clearInterfaces(cleared, ["ens3"]), cleared);
});

const PORT = "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:10:39";
for (const [system, expected] of [["rhel-9", "type=infiniband"], ["rhel-8", "TYPE=InfiniBand"]] as const) {
  Deno.test(`the address of an InfiniBand port is set, and read back: ${system}`, () => {
    const tree = SYSTEMS[system] ?? assert.fail();
    const mac = "00:02:c9:00:10:39";
    const nics = [{ mac, names: ["ib0"], infiniband: PORT }];
    const own = {
      kind: "ethernet" as const,
      mac,
      addresses: ["10.0.0.5/24"],
      gateways: ["10.0.0.1"],
      dns: [],
      mtu: 2044,
    };
    const changes = identityChanges(IdentitySchema.parse({ hostname: "n1", interfaces: [own] }), {
      tree,
      templateHostname: "web",
      bootMac: mac,
      nics,
      machineId: "f".repeat(32),
      uuid: () => "00000000-0000-4000-8000-000000000001",
    });
    const written = changes.flatMap((one) => one.do === "write" ? [one.text] : []).join("");
    assert.ok(written.includes(expected) && written.includes(PORT.toUpperCase()), written);
    assert.deepEqual(
      networkOf(changed(tree, changes), nics).interfaces.filter((one) => one.addresses !== "dhcp"),
      [own],
    );
  });
}
