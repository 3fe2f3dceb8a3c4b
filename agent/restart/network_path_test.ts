import assert from "node:assert/strict";
import { dirname } from "node:path";
import { type NetworkPath, type NetworkPort, readNetworkPath } from "./network_path.ts";

const MAC = "52:54:00:00:00:01", OTHER = "52:54:00:00:00:02";

/** Files of a physical NIC. */
const nic = (name: string, mac: string): Record<string, string> => ({
  [`sys/class/net/${name}/address`]: `${mac}\n`,
  [`sys/class/net/${name}/addr_assign_type`]: "0\n",
  [`sys/class/net/${name}/device/modalias`]: "pci:x\n",
});
/** A member has the bond's address; its own is kept apart. */
const member = (name: string, mac: string): Record<string, string> => ({
  ...nic(name, "02:00:00:00:00:99"),
  [`sys/class/net/${name}/bonding_slave/perm_hwaddr`]: `${mac}\n`,
});
/** As the kernel prints it. */
const VLAN_7: Record<string, string> = {
  "sys/class/net/eth0.7/uevent": "DEVTYPE=vlan\nINTERFACE=eth0.7\n",
  "sys/class/net/eth0.7/lower_eth0/x": "",
  "proc/net/vlan/eth0.7":
    "eth0.7  VID: 7\t REORDER_HDR: 1  dev->priv_flags: 1021\n         total frames received  0\n",
  ...nic("eth0", MAC),
};
/** As the kernel prints them: words of 32 bits in the processor's byte order. */
const routes = (...lines: [device: string, to: string, gateway: string, mask: string, metric: number][]) => ({
  "proc/net/route": `Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n${
    lines.map(([device, to, gateway, mask, metric]) =>
      `${device}\t${word(to)}\t${word(gateway)}\t${
        gateway === "0.0.0.0" ? "0001" : "0003"
      }\t0\t0\t${metric}\t${word(mask)}\t0\t0\t0\n`
    ).join("")
  }`,
});
const word = (address: string) =>
  address.split(".").reverse().map((part) => Number(part).toString(16).padStart(2, "0")).join("")
    .toUpperCase();

const LINK = ["eth0", "10.0.0.0", "0.0.0.0", "255.255.255.0", 100] as const;
const DEFAULT = ["eth0", "0.0.0.0", "10.0.0.254", "0.0.0.0", 100] as const;

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly device?: string;
  readonly local?: string;
  readonly remote?: string;
  readonly path: Partial<NetworkPath> | RegExp;
}

const CASES: readonly Case[] = [
  {
    name: "a NIC, the server on its network",
    files: {
      ...nic("eth0", MAC),
      ...routes([...LINK], [...DEFAULT]),
      "etc/resolv.conf": "nameserver 10.0.0.2\n",
    },
    path: {
      macs: [MAC],
      address: "10.0.0.7",
      mask: "255.255.255.0",
      gateway: "10.0.0.254",
      dns: ["10.0.0.2"],
    },
  },
  {
    name: "a network without a gateway",
    files: { ...nic("eth0", MAC), ...routes([...LINK]) },
    path: { macs: [MAC], gateway: undefined, dns: [] },
  },
  {
    name: "the server behind a gateway of its own",
    files: {
      ...nic("eth0", MAC),
      ...routes([...DEFAULT], [...LINK], ["eth0", "192.168.0.0", "10.0.0.253", "255.255.0.0", 100]),
    },
    remote: "192.168.7.1",
    path: { gateway: "10.0.0.253" },
  },
  {
    name: "two default routes: the cheaper one",
    files: { ...nic("eth0", MAC), ...routes(["eth0", "0.0.0.0", "10.0.0.9", "0.0.0.0", 600], [...DEFAULT]) },
    remote: "192.168.7.1",
    path: { gateway: "10.0.0.254" },
  },
  {
    name: "name servers behind systemd-resolved",
    files: {
      ...nic("eth0", MAC),
      ...routes([...LINK]),
      "etc/resolv.conf": "nameserver 127.0.0.53\n",
      "run/systemd/resolve/resolv.conf": "nameserver 10.0.0.3\nnameserver fd00::1\nnameserver 10.0.0.4\n",
    },
    path: { dns: ["10.0.0.3", "10.0.0.4"] },
  },
  {
    name: "a bond whose NICs may speak alone",
    files: {
      "sys/class/net/bond0/bonding/mode": "active-backup 1\n",
      "sys/class/net/bond0/lower_eth0/x": "",
      "sys/class/net/bond0/lower_eth1/x": "",
      ...member("eth0", MAC),
      ...member("eth1", OTHER),
    },
    device: "bond0",
    path: { macs: [MAC, OTHER], lacp: false },
  },
  {
    name: "a bond that negotiates with the switch",
    files: {
      "sys/class/net/bond0/bonding/mode": "802.3ad 4\n",
      "sys/class/net/bond0/lower_eth0/x": "",
      ...member("eth0", MAC),
    },
    device: "bond0",
    path: { macs: [MAC], lacp: true },
  },
  {
    name: "a bond that the switch was told of",
    files: { "sys/class/net/bond0/bonding/mode": "balance-xor 2\n" },
    device: "bond0",
    path: /bond bond0 has the mode balance-xor/,
  },
  {
    name: "a bridge with a virtual machine",
    files: {
      "sys/class/net/br0/bridge/x": "",
      "sys/class/net/br0/lower_eth0/x": "",
      "sys/class/net/br0/lower_vnet0/x": "",
      ...nic("eth0", MAC),
      "sys/class/net/vnet0/address": "fe:54:00:00:00:01\n",
    },
    device: "br0",
    path: { macs: [MAC] },
  },
  {
    name: "a bridge on a VLAN",
    files: {
      "sys/class/net/br0/bridge/x": "",
      "sys/class/net/br0/lower_eth0.7/x": "",
      ...VLAN_7,
    },
    device: "br0",
    path: { macs: [MAC], vlan: 7 },
  },
  {
    name: "a VLAN",
    files: { ...VLAN_7, ...routes(["eth0.7", "0.0.0.0", "10.0.0.254", "0.0.0.0", 100]) },
    device: "eth0.7",
    path: { macs: [MAC], vlan: 7, address: "10.0.0.7", gateway: "10.0.0.254" },
  },
  {
    name: "a VLAN within a VLAN",
    files: {
      ...VLAN_7,
      "sys/class/net/inner/uevent": "DEVTYPE=vlan\n",
      "sys/class/net/inner/lower_eth0.7/x": "",
      "proc/net/vlan/inner": "inner  VID: 8\n",
    },
    device: "inner",
    path: /eth0\.7 is a VLAN within another one/,
  },
  {
    name: "a bridge of two VLANs",
    files: {
      ...VLAN_7,
      "sys/class/net/br0/bridge/x": "",
      "sys/class/net/br0/lower_eth0.7/x": "",
      "sys/class/net/br0/lower_eth1/x": "",
      ...nic("eth1", OTHER),
    },
    device: "br0",
    path: /are in several VLANs/,
  },
  {
    name: "Wi-Fi",
    files: { ...nic("wlan0", MAC), "sys/class/net/wlan0/phy80211/x": "" },
    device: "wlan0",
    path: /by Wi-Fi/,
  },
  {
    name: "a tunnel",
    files: { "sys/class/net/wg0/uevent": "DEVTYPE=wireguard\n" },
    device: "wg0",
    path: /wg0, which is neither a NIC nor a bond, bridge or VLAN/,
  },
  {
    name: "a NIC without an address of its own",
    files: { ...nic("eth0", MAC), "sys/class/net/eth0/addr_assign_type": "1\n" },
    path: /no MAC address of its own/,
  },
  {
    name: "IPv6",
    files: nic("eth0", MAC),
    local: "fd00::7",
    remote: "fd00::1",
    path: { macs: [MAC], address: "fd00::7", mask: undefined, gateway: undefined, dns: [] },
  },
  {
    name: "the server itself",
    files: {},
    local: "10.0.0.7",
    remote: "10.0.0.7",
    path: /runs on this machine/,
  },
];

for (const { name, files, device = "eth0", local = "10.0.0.7", remote = "10.0.0.1", path } of CASES) {
  Deno.test(`what the installer can repeat of the network: ${name}`, async () => {
    const root = await Deno.makeTempDir();
    try {
      for (const [at, text] of Object.entries(files)) {
        await Deno.mkdir(dirname(`${root}/${at}`), { recursive: true });
        await Deno.writeTextFile(`${root}/${at}`, text);
      }
      const tree = (folder: string) => `${root}/${folder}`;
      const port: NetworkPort = {
        connect: () => Promise.resolve({ local, remote }),
        interfaces: () => [{ name: device, address: local, netmask: "255.255.255.0" }],
        trees: { sys: tree("sys"), proc: tree("proc"), dev: tree("dev"), etc: tree("etc"), run: tree("run") },
      };
      const read = readNetworkPath(new URL("https://10.0.0.1:8443"), {
        signal: new AbortController().signal,
        port,
      });
      if (path instanceof RegExp) return await assert.rejects(read, path);
      const found = await read;
      for (const [key, value] of Object.entries(path)) {
        assert.deepEqual(found[key as keyof NetworkPath], value, key);
      }
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}
