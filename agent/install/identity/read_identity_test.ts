/** Configuration written by people and installers. What our own writers write is read back in identity_test.ts. */
import assert from "node:assert/strict";
import type { NetworkInterface } from "#contract/identity.ts";
import { keepIdentity } from "./keep_identity.ts";
import { networkOf, readIdentity } from "./read_identity.ts";
import { ForeignTree } from "../../tree/tree_files.ts";

const A = "52:54:00:00:00:0a", B = "52:54:00:00:00:0b";
const ONE = [{ mac: A, names: ["eth0", "ens3", "enp0s3"] }];
const TWO = [...ONE, { mac: B, names: ["eth1", "ens4", "enp0s4"] }];
const ethernet = (mac: string, more: Partial<NetworkInterface>) => ({
  kind: "ethernet",
  addresses: [],
  gateways: [],
  dns: [],
  mac,
  ...more,
});

const cases: {
  name: string;
  texts: Record<string, string>;
  paths?: string[];
  nics?: typeof ONE;
  interfaces: unknown[];
  notes?: RegExp[];
}[] = [
  {
    name: "Debian's installer: an address with a netmask",
    texts: {
      "/etc/network/interfaces": "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n" +
        "allow-hotplug ens3\niface ens3 inet static\n\taddress 10.0.0.5\n\tnetmask 255.255.252.0\n" +
        "\tgateway 10.0.0.1\n\t# dns-nameservers 9.9.9.9\n\tdns-nameservers 10.0.0.2\n\tdns-search example.org\n",
    },
    interfaces: [ethernet(A, { addresses: ["10.0.0.5/22"], gateways: ["10.0.0.1"], dns: ["10.0.0.2"] })],
  },
  {
    name: "an alias, a bridge and a route by hand",
    texts: {
      "/etc/network/interfaces": "auto ens3\niface ens3 inet static\n address 10.0.0.5/24\n" +
        " post-up ip route add 10.9.0.0/16 via 10.0.0.3\n\nauto ens3:0\niface ens3:0 inet static\n" +
        " address 10.0.0.6/24\n\niface br0 inet dhcp\n bridge_ports ens4\n",
    },
    interfaces: [ethernet(A, { addresses: ["10.0.0.5/24", "10.0.0.6/24"] })],
    notes: [/br0 is a bridge/, /static routes/],
  },
  {
    name: "a bond by its slaves, with a VLAN by its dotted name",
    nics: TWO,
    texts: {
      "/etc/network/interfaces": "iface ens3 inet manual\n  bond-master bond0\niface ens4 inet manual\n" +
        "  bond_master bond0\nauto bond0\niface bond0 inet manual\n  bond-slaves none\n  bond-mode 4\n" +
        "auto bond0.7\niface bond0.7 inet static\n  address 10.7.0.5/24\n",
    },
    interfaces: [
      { kind: "bond", name: "bond0", members: [A, B], mode: "802.3ad", addresses: [], gateways: [], dns: [] },
      {
        kind: "vlan",
        name: "bond0.7",
        id: 7,
        parent: "bond0",
        addresses: ["10.7.0.5/24"],
        gateways: [],
        dns: [],
      },
    ],
  },
  {
    name: "networkd by a pattern of names, with sections for addresses",
    paths: ["/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"],
    texts: {
      "/etc/systemd/network/20-wired.network":
        "[Match]\nName=en* eth*\n\n[Network]\nDHCP=no\nDNS=10.0.0.2 10.0.0.3\n" +
        "\n[Address]\nAddress=10.0.0.5/24\n\n[Route]\nDestination=10.9.0.0/16\nGateway=10.0.0.3\n",
    },
    interfaces: [ethernet(A, { addresses: ["10.0.0.5/24"], dns: ["10.0.0.2", "10.0.0.3"] })],
    notes: [/static routes/],
  },
  {
    name: "netplan of a cloud: by MAC, gateway4, an address with options",
    texts: {
      "/etc/netplan/50-cloud-init.yaml":
        "# generated\nnetwork:\n    version: 2\n    ethernets:\n        eth0:\n" +
        `            match:\n                macaddress: '${A.toUpperCase()}'\n            set-name: eth0\n` +
        "            addresses:\n            - 10.0.0.5/24\n            - 10.0.0.6/24: {label: web}\n" +
        "            gateway4: 10.0.0.1\n            nameservers:\n                addresses:\n" +
        "                - 10.0.0.2\n",
      "/etc/netplan/60-more.yaml": "network: {ethernets: {eth0: {mtu: 9000}}, bridges: {br0: {}}}\n",
    },
    interfaces: [
      ethernet(A, {
        addresses: ["10.0.0.5/24", "10.0.0.6/24"],
        gateways: ["10.0.0.1"],
        dns: ["10.0.0.2"],
        mtu: 9000,
      }),
    ],
    notes: [/bridges/],
  },
  {
    name: "netplan that is not YAML",
    texts: { "/etc/netplan/a.yaml": "network: [}" },
    interfaces: [],
    notes: [/cannot be read/],
  },
  {
    name: "a keyfile as nmcli writes it",
    paths: ["/etc/systemd/system/multi-user.target.wants/NetworkManager.service"],
    texts: {
      "/etc/NetworkManager/system-connections/Wired.nmconnection":
        "[connection]\nid=Wired\nuuid=1\ntype=ethernet\ninterface-name=enp0s3\n\n[ethernet]\n\n[ipv4]\n" +
        "address1=10.0.0.5/24\naddress2=10.0.0.6/24\ngateway=10.0.0.1\ndns=10.0.0.2;\nmethod=manual\n\n" +
        "[ipv6]\naddr-gen-mode=default\nmethod=auto\n",
      "/etc/NetworkManager/system-connections/Office.nmconnection":
        "[connection]\nid=Office\ntype=wifi\n[wifi]\nssid=x\n",
    },
    interfaces: [
      ethernet(A, { addresses: ["10.0.0.5/24", "10.0.0.6/24"], gateways: ["10.0.0.1"], dns: ["10.0.0.2"] }),
    ],
    notes: [/Office is of kind wifi/],
  },
  {
    name: "ifcfg of RHEL 6, with a netmask and quotes",
    texts: {
      "/etc/sysconfig/network-scripts/ifcfg-eth0": 'DEVICE="eth0"\nBOOTPROTO=static\nONBOOT=yes\n' +
        "IPADDR=10.0.0.5 # own\nNETMASK=255.255.255.0\nGATEWAY='10.0.0.1'\nDNS1=10.0.0.2\nEVIL=`reboot`\n",
      "/etc/sysconfig/network-scripts/ifcfg-eth0.bak": "IPADDR=1.1.1.1\n",
    },
    interfaces: [ethernet(A, { addresses: ["10.0.0.5/24"], gateways: ["10.0.0.1"], dns: ["10.0.0.2"] })],
  },
  {
    name: "the only interface belongs to the only NIC, even if that was exchanged",
    texts: {
      "/etc/sysconfig/network-scripts/ifcfg-eth0": "HWADDR=00:11:22:33:44:55\nIPADDR=10.0.0.5\nPREFIX=24\n",
    },
    interfaces: [ethernet(A, { addresses: ["10.0.0.5/24"] })],
  },
  {
    name: "with two NICs, no guess is made which one was replaced",
    nics: TWO,
    texts: {
      "/etc/sysconfig/network-scripts/ifcfg-eth0": "HWADDR=00:11:22:33:44:55\nIPADDR=10.0.0.5\nPREFIX=24\n",
    },
    interfaces: [],
    notes: [/00:11:22:33:44:55: this machine has no such NIC/],
  },
  {
    name: "an invalid address is dropped, with a note",
    texts: { "/etc/network/interfaces": "iface ens3 inet static\n address 10.0.0.999/24\n" },
    interfaces: [],
    notes: [/ens3: /],
  },
  {
    name: "NICs that udev's rules name",
    nics: TWO,
    texts: {
      "/etc/network/interfaces": "iface lan1 inet static\n address 10.0.0.5/24\n",
      "/etc/udev/rules.d/70-persistent-net.rules":
        `SUBSYSTEM=="net", ACTION=="add", ATTR{address}=="${B}", ATTR{type}=="1", NAME="lan1"\n`,
    },
    interfaces: [ethernet(B, { addresses: ["10.0.0.5/24"] })],
  },
];

for (const { name, texts, paths = [], nics = ONE, interfaces, notes = [] } of cases) {
  Deno.test(`an old network configuration is understood: ${name}`, () => {
    const tree = {
      texts: new Map(Object.entries(texts)),
      paths: new Set(paths),
      symlinks: new Set<string>(),
    };
    const found = networkOf(tree, nics);
    assert.deepEqual(found.interfaces, interfaces);
    assert.equal(found.notes.length, notes.length, found.notes.join("; "));
    for (const note of notes) assert.match(found.notes.join("; "), note);
  });
}

Deno.test("an old tree yields name, machine-id and host keys, and no link leads out of it", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/tree/etc/ssh`, { recursive: true });
    await Deno.writeTextFile(`${root}/secret`, "secret\n");
    const files = {
      "hostname": "# own\n\n db7.example.org\n",
      "machine-id": `${"a".repeat(32)}\n`,
      "ssh/ssh_host_rsa_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n",
      "ssh/ssh_host_rsa_key.pub": "ssh-rsa AAAA\n",
      "ssh/ssh_host_dsa_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nwithout its public half\n",
      "ssh/ssh_host_evil_key": "no key\n",
      "ssh/ssh_host_evil_key.pub": "no key\n",
    };
    for (const [path, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${root}/tree/etc/${path}`, text);
    }
    await Deno.symlink(root, `${root}/tree/etc/netplan`);
    await Deno.symlink("../../secret", `${root}/tree/etc/resolv.conf`);
    const found = await readIdentity(new ForeignTree(`${root}/tree`), { nics: ONE, own: [] });
    assert.deepEqual(found, {
      hostname: "db7.example.org",
      machineId: "a".repeat(32),
      interfaces: [],
      hostKeys: [{
        name: "ssh_host_rsa_key",
        publicKey: "ssh-rsa AAAA\n",
        privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n",
      }],
      files: [],
      notes: [],
    });
    await Deno.writeTextFile(`${root}/tree/etc/hostname`, "localhost.localdomain\n");
    await Deno.writeTextFile(`${root}/tree/etc/machine-id`, "uninitialized\n");
    const nobody = await readIdentity(new ForeignTree(`${root}/tree`), { nics: ONE, own: [] });
    assert.deepEqual([nobody.hostname, nobody.machineId], [undefined, undefined]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

const assigned = { hostname: "n1", interfaces: [ethernet(A, { addresses: "dhcp" }) as NetworkInterface] };
const order = { mode: "keep" as const, assigned, askSeconds: 1 };
const recorded = {
  hostname: "db7",
  interfaces: [ethernet(B, { addresses: ["10.0.0.7/24"] }) as NetworkInterface],
  machineId: "b".repeat(32),
};

Deno.test("keep: the disk comes first, piece by piece, then the server's record, then the table", () => {
  const kept = { hostname: "disk7", interfaces: [], hostKeys: [], files: [], notes: ["br0 is a bridge"] };
  const { identity, found, message } = keepIdentity({ ...order, recorded }, {
    old: { kept, from: "vda2", notes: [] },
    nics: ONE,
  });
  assert.deepEqual(identity, {
    hostname: "disk7",
    // the NIC in the record was replaced by this machine's only one
    interfaces: [ethernet(A, { addresses: ["10.0.0.7/24"] })],
    machineId: "b".repeat(32),
  });
  assert.ok(found);
  assert.match(
    message,
    /hostname: the disk's vda2; interfaces, machine-id: the server's record; SSH host keys: not found/,
  );
  assert.match(message, /NOT kept: br0 is a bridge/);
});

Deno.test("keep: with a dead disk and no record, the assigned identity is used, with a note", () => {
  const { identity, found, message } = keepIdentity(order, {
    old: { notes: ["vda2 is an LVM, which is not read"] },
    nics: ONE,
  });
  assert.deepEqual([identity, found], [assigned, false]);
  assert.match(
    message,
    /hostname, interfaces, machine-id, SSH host keys: not found, so as assigned; NOT kept: vda2 is an LVM/,
  );
});
