/** Decoders of untrusted files on a disk that is about to be overwritten. */
import fc from "fast-check";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { NetworkInterfaces } from "#contract/identity.ts";
import { decodeIndex, encodeIndex } from "../../../agent/install/records/content_index.ts";
import { clearInterfaces } from "../../../agent/install/identity/interfaces_file.ts";
import { CloneRecord } from "../../../agent/install/records/clone_record.ts";
import { JournalRecord, recordOf } from "../../../agent/install/records/journal.ts";
import { hostsFile } from "../../../agent/install/identity/identity.ts";
import { freshText, hasForm } from "../../../agent/install/identity/own_files/fresh_values.ts";
import { readIdentity } from "../../../agent/install/identity/read_identity.ts";
import { renamedText } from "../../../agent/install/identity/renaming.ts";
import { TreeReader } from "../../../agent/tree/tree_files.ts";
import { decoder } from "./decoder.ts";
import { refusesAsJson } from "./refusals.ts";

const MANIFEST = "ab".repeat(32);
const NICS = ["52:54:00:00:00:0a", "52:54:00:00:00:0b"].map((mac, i) => ({
  mac,
  names: [`eth${i}`, `ens${i}`],
}));

const WANTS = "/etc/systemd/system/multi-user.target.wants";

/** One file for each way to configure a network, and for everything else that is read from an old system. */
const FILES: readonly {
  what: string;
  path: string;
  enabled?: string;
  weight?: number;
  texts: readonly string[];
}[] = [
  {
    what: "ifupdown",
    path: "/etc/network/interfaces",
    texts: [
      "auto eth0\niface eth0 inet static\n  address 10.0.0.5/24\n  gateway 10.0.0.1\n  dns-nameservers 10.0.0.2\n",
      "auto bond0\niface bond0 inet static\n  address 10.0.0.5\n  netmask 255.255.255.0\n  bond-slaves eth0 eth1\n" +
      "  bond-mode 802.3ad\nauto bond0.7\niface bond0.7 inet6 static\n  address 2001:db8::5\n  netmask 64\n" +
      "source /etc/network/interfaces.d/*\n",
    ],
  },
  {
    what: "networkd",
    path: "/etc/systemd/network/a.network",
    enabled: "systemd-networkd.service",
    texts: [
      "[Match]\nName=eth0\n[Network]\nAddress=10.0.0.5/24\nGateway=10.0.0.1\nDNS=10.0.0.2\nVLAN=v7\n",
      "[Match]\nMACAddress=52:54:00:00:00:0A\n[Network]\nDHCP=yes\nBond=bond0\n[Route]\nGateway=10.0.0.1\n",
    ],
  },
  {
    what: "NetworkManager",
    path: "/etc/NetworkManager/system-connections/a.nmconnection",
    texts: [
      "[connection]\nid=a\nuuid=1\ntype=ethernet\ninterface-name=eth0\n[ipv4]\nmethod=manual\n" +
      "address1=10.0.0.5/24,10.0.0.1\ndns=10.0.0.2;\n[ethernet]\nmac-address=52:54:00:00:00:0A\n",
      "[connection]\nid=v\ntype=vlan\n[vlan]\nid=7\nparent=eth0\n[ipv4]\nmethod=auto\n",
    ],
  },
  {
    what: "netplan",
    path: "/etc/netplan/a.yaml",
    weight: 0.05,
    texts: [
      "network:\n  version: 2\n  ethernets:\n    eth0:\n      match: {macaddress: '52:54:00:00:00:0a'}\n" +
      "      addresses: [10.0.0.5/24]\n      routes: [{to: default, via: 10.0.0.1}]\n  vlans:\n" +
      "    v7: {id: 7, link: eth0, dhcp4: true}\n",
      "network:\n  bonds: {b: {interfaces: [eth0, eth1], parameters: {mode: 802.3ad}}}\n",
      "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
      "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nnetwork: {ethernets: *e}\n",
      "network: &n {ethernets: *n}\n",
      "network: {ethernets: {eth0: {addresses: [[[[[[[[[[]]]]]]]]]]}}}\n",
    ],
  },
  {
    what: "ifcfg",
    path: "/etc/sysconfig/network-scripts/ifcfg-eth0",
    texts: [
      "DEVICE=eth0\nHWADDR=52:54:00:00:00:0a\nIPADDR=10.0.0.5\nPREFIX=24\nGATEWAY=10.0.0.1\nDNS1=10.0.0.2\n",
      'DEVICE=bond0.7\nVLAN=yes\nPHYSDEV=bond0\nBOOTPROTO=dhcp\nBONDING_OPTS="mode=4 miimon=100"\n',
    ],
  },
  { what: "hostname", path: "/etc/hostname", texts: ["n1.example.com\n", "# none\n"] },
  { what: "machine id", path: "/etc/machine-id", texts: [`${"0a".repeat(16)}\n`] },
  {
    what: "link file",
    path: "/etc/systemd/network/10-eth0.link",
    texts: ["[Match]\nMACAddress=52:54:00:00:00:0a\n[Link]\nName=lan0\n"],
  },
  {
    what: "host key",
    path: "/etc/ssh/ssh_host_ed25519_key",
    texts: ["-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"],
  },
];

/** A tree in memory with one file, and the unit that enables its configuration. */
class OneFile extends TreeReader {
  readonly #texts: ReadonlyMap<string, string>;

  constructor({ path, enabled }: { path: string; enabled?: string }, content: string) {
    super("/");
    this.#texts = new Map([
      [path, content],
      ...(enabled === undefined ? [] : [[`${WANTS}/${enabled}`, ""] as const]),
    ]);
  }

  override kind(path: string): Promise<"file" | undefined> {
    return Promise.resolve(this.#texts.has(path) ? "file" : undefined);
  }

  override mode(): Promise<number> {
    return Promise.resolve(0o644);
  }

  override text(path: string): Promise<string | undefined> {
    return Promise.resolve(this.#texts.get(path));
  }

  override list(folder: string): Promise<string[]> {
    return Promise.resolve([...this.#texts.keys()].filter((path) => path.startsWith(`${folder}/`)));
  }
}

const record = JSON.stringify(
  recordOf(
    { node: "n1", image: "web", version: 3, manifest: { id: MANIFEST } } as Parameters<typeof recordOf>[0],
  ),
);
const clone = JSON.stringify({
  format: "rackseed-clone",
  formatVersion: 1,
  manifest: MANIFEST,
  own: [{ path: "/etc/hostname", text: "n1\n", mode: 420 }],
});
const trust = { inode: 5n, ctimeSec: 7, ctimeNs: 8, sum: 9 };

const NAMES = { hostname: "n1", templateHostname: "web" };

export const decoders = [
  ...FILES.map((file) =>
    decoder({
      name: `old disk's ${file.what}`,
      inputs: fc.constantFrom(...file.texts),
      weight: file.weight ?? 1,
      decode: async (content) => {
        const { interfaces } = await readIdentity(new OneFile(file, content), { nics: NICS, own: [] });
        return NetworkInterfaces.parse(interfaces);
      },
    })
  ),
  decoder({
    name: "hosts file to rename",
    inputs: fc.constantFrom(
      "127.0.0.1 localhost\n127.0.1.1 web.example.com web\n",
      "::1 localhost web # own\n",
    ),
    decode: (text) => hostsFile(text, NAMES),
  }),
  decoder({
    name: "setting of a host name",
    inputs: fc.constantFrom("myhostname = web.example.com\nmydestination = $myhostname,\n  web, localhost\n"),
    decode: (text) => renamedText("/etc/postfix/main.cf", { text, ...NAMES }),
  }),
  decoder({
    name: "initiator name",
    inputs: fc.constantFrom("# x\nInitiatorName=iqn.1993-08.org.debian:01:187bb6704796\n"),
    decode: (text) => [
      freshText("iscsi-initiator", text, { hex: (digits) => "0".repeat(digits), nvmeHost: "" }),
      hasForm("iscsi-initiator", new TextEncoder().encode(text)),
    ],
  }),
  decoder({
    name: "interfaces file to clear",
    inputs: fc.constantFrom(...FILES[0]?.texts ?? []),
    decode: (text) => clearInterfaces(text, ["eth0"]),
  }),
  decoder({
    name: "journal's record",
    inputs: fc.constant(record),
    decode: (text) => JournalRecord.parse(JSON.parse(text)),
    refuses: refusesAsJson,
  }),
  decoder({
    name: "clone's record",
    inputs: fc.constant(clone),
    decode: (text) => CloneRecord.parse(JSON.parse(text)),
    refuses: refusesAsJson,
  }),
  decoder({
    name: "clone's index",
    inputs: fc.array(fc.constantFrom(trust, undefined), { maxLength: 20 }).map((entries) =>
      encodeIndex({ manifest: MANIFEST, entries })
    ),
    decode: (bytes) => {
      const index = decodeIndex(bytes, { manifest: MANIFEST });
      return [0, 5, 1 << 30].map((entry) => index?.(entry));
    },
  }),
  decoder({
    name: "path of bytes",
    inputs: fc.constantFrom("/etc/hosts", "/\u00ff/x"),
    decode: bytePathOfText,
  }),
];
