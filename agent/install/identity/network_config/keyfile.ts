/** NetworkManager: nm-settings-keyfile(5), one file for each connection. */
import { macOfAddress } from "#contract/hardware_address.ts";
import { BondMode } from "#contract/identity.ts";
import { formatIni, parseIni, valueOf, valuesOf } from "./ini.ts";
import {
  addressing,
  type ConfigFile,
  file,
  type FoundInterface,
  type FoundNetwork,
  type Interface,
  isIpv4,
  isIpv6,
  labelOf,
  type NicRef,
  type Texts,
} from "./network_files.ts";

const FOLDER = "/etc/NetworkManager/system-connections";

/** `uuid`: returns a fresh one each time. */
export function writeKeyfiles(
  interfaces: readonly Interface[],
  { uuid }: { uuid: () => string },
): ConfigFile[] {
  const made = interfaces.map((one) => ({ one, uuid: uuid() }));
  const uuidOf = (parent: string) =>
    made.find(({ one }) => parent === (one.kind === "ethernet" ? one.mac : one.name))?.uuid;
  return made.flatMap(({ one, uuid: own }) => {
    const id = `rackseed-${labelOf(interfaces, one)}`;
    switch (one.kind) {
      case "ethernet":
        return one.infiniband === undefined
          ? [keyfile({ id, uuid: own, type: "ethernet" }, [ethernet(one.mac, one.mtu), ...ipOf(one)])]
          : [
            keyfile({ id, uuid: own, type: "infiniband" }, [
              infiniband(one.infiniband, one.mtu),
              ...ipOf(one),
            ]),
          ];
      case "bond":
        return [
          keyfile({ id, uuid: own, type: "bond", name: one.name }, [
            ["bond", [`mode=${one.mode}`, "miimon=100"]],
            ...mtuOf(one.mtu),
            ...ipOf(one),
          ]),
          ...one.members.map((mac, i) =>
            keyfile({
              id: `${id}-${i}`,
              uuid: uuid(),
              type: "ethernet",
              more: [`master=${own}`, "slave-type=bond"],
            }, [
              ethernet(mac, one.mtu),
            ])
          ),
        ];
      case "vlan":
        return [
          keyfile({ id, uuid: own, type: "vlan", name: one.name }, [
            ["vlan", [`id=${one.id}`, `parent=${uuidOf(one.parent)}`]],
            ...mtuOf(one.mtu),
            ...ipOf(one),
          ]),
        ];
    }
  });
}

type Lines = readonly [section: string, lines: readonly string[]];

function keyfile(
  { id, uuid, type, name, more = [] }: {
    id: string;
    uuid: string;
    type: string;
    name?: string;
    more?: readonly string[];
  },
  sections: readonly Lines[],
): ConfigFile {
  const connection = [
    ...[`id=${id}`, `uuid=${uuid}`, `type=${type}`, "autoconnect-priority=100"],
    ...(name === undefined ? [] : [`interface-name=${name}`]),
    ...more,
  ];
  return file(`${FOLDER}/${id}.nmconnection`, formatIni([["connection", connection], ...sections]), 0o600);
}

function ethernet(mac: string, mtu: number | undefined): Lines {
  return ["ethernet", [`mac-address=${mac.toUpperCase()}`, ...(mtu === undefined ? [] : [`mtu=${mtu}`])]];
}

/** NetworkManager compares only the port's GUID, the last 8 of the 20 bytes. */
function infiniband(address: string, mtu: number | undefined): Lines {
  const size = mtu === undefined ? [] : [`mtu=${mtu}`];
  return ["infiniband", [`mac-address=${address.toUpperCase()}`, "transport-mode=datagram", ...size]];
}

/** The MTU belongs in [ethernet], even for bonds and VLANs. */
function mtuOf(mtu: number | undefined): Lines[] {
  return mtu === undefined ? [] : [["ethernet", [`mtu=${mtu}`]]];
}

function ipOf({ addresses, gateways, dns }: Interface): Lines[] {
  if (addresses === "dhcp") return [["ipv4", ["method=auto"]], ["ipv6", ["method=auto"]]];
  const lines = (isOfKind: (address: string) => boolean, without: string): string[] => {
    const own = addresses.filter(isOfKind);
    const gateway = gateways.find(isOfKind);
    const servers = dns.filter(isOfKind);
    if (own.length === 0) return [`method=${without}`];
    return [
      "method=manual",
      ...own.map((address, i) => `address${i + 1}=${address}${i === 0 && gateway ? `,${gateway}` : ""}`),
      ...(servers.length > 0 ? [`dns=${servers.map((d) => `${d};`).join("")}`] : []),
    ];
  };
  return [
    ["ipv4", lines(isIpv4, "disabled")],
    ["ipv6", lines(isIpv6, addresses.length === 0 ? "disabled" : "auto")],
  ];
}

/** What one connection file contains, apart from its addresses. */
function connectionOf(text: string) {
  const sections = parseIni(text);
  const connection = (key: string) => valueOf(sections, "connection", key);
  const address = valueOf(sections, "ethernet", "mac-address") ??
    valueOf(sections, "802-3-ethernet", "mac-address") ?? valueOf(sections, "infiniband", "mac-address");
  const mac = address && (macOfAddress(address) ?? address);
  const name = connection("interface-name");
  const nic: NicRef = mac ? { mac: mac.toLowerCase() } : { name: name ?? "*" };
  return {
    sections,
    nic,
    name,
    uuid: connection("uuid"),
    id: connection("id") ?? "",
    type: connection("type")?.replace("802-3-ethernet", "ethernet"),
    master: connection("master") ?? connection("controller"),
  };
}

export function readKeyfiles(texts: Texts): FoundNetwork {
  const connections = [...texts].filter(([path]) => path.startsWith(`${FOLDER}/`))
    .map(([, text]) => connectionOf(text)).sort((a, b) => a.id < b.id ? -1 : 1);
  const notes: string[] = [];
  const interfaces = connections.flatMap((one): FoundInterface[] => {
    const { sections, nic, uuid, id, type, name = id } = one;
    if (one.master !== undefined) return [];
    const own = addressingOf(sections);
    if (type === "ethernet" || type === "infiniband") return [{ kind: "ethernet", nic, ...own }];
    if (type === "bond") {
      const names = [uuid, one.name, id];
      const members = connections.filter(({ master }) => master !== undefined && names.includes(master));
      const mode = BondMode.catch("balance-rr").parse(valueOf(sections, "bond", "mode"));
      return [{ kind: "bond", name, members: members.map((member) => member.nic), mode, ...own }];
    }
    const parent = valueOf(sections, "vlan", "parent");
    if (type === "vlan" && parent !== undefined) {
      const on = connections.find((c) => c.uuid === parent);
      const ref = on === undefined
        ? { name: parent }
        : on.type === "bond"
        ? { name: on.name ?? on.id }
        : on.nic;
      return [{ kind: "vlan", name, id: Number(valueOf(sections, "vlan", "id")), parent: ref, ...own }];
    }
    notes.push(`${name} is of kind ${type ?? "unknown"}`);
    return [];
  });
  return { interfaces, notes };
}

function addressingOf(sections: ReturnType<typeof parseIni>) {
  const entries = ["ipv4", "ipv6"].flatMap((kind) =>
    sections.filter((s) => s.name === kind).flatMap((s) => s.entries).filter(([key]) =>
      /^(address(es)?\d*)$/.test(key)
    ).map(([, value]) => value.split(/[,;]/).map((part) => part.trim()))
  );
  const all = (key: string) => ["ipv4", "ipv6"].flatMap((kind) => valuesOf(sections, kind, key));
  return addressing({
    dhcp: valueOf(sections, "ipv4", "method") === "auto",
    addresses: entries.flatMap(([address]) => address?.includes("/") ? [address] : []),
    gateways: [...entries.flatMap(([, gateway]) => gateway ? [gateway] : []), ...all("gateway")],
    dns: all("dns").flatMap((value) => value.split(/[;,\s]+/)).filter((d) => d !== ""),
    mtu: valueOf(sections, "ethernet", "mtu") ?? valueOf(sections, "infiniband", "mtu"),
  });
}
