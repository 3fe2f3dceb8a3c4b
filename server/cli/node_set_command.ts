/** `rackseed node set` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { collect, collectIpv4, parseRateOrNone } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, NODES } from "./help_text.ts";

const NOTES = `
A node that does not exist is created. The value "none" clears a setting.

ADDRESS of the clone's first interface:
  10.0.0.5/24                one address
  10.0.0.11-10.0.0.138/24    a range: each node gets the next free address
  '10.0.0.{n+10}/24'         a rule: {n} is the last number in the node's name,
                             {1} the first, {2} the second
  dhcp                       from a DHCP server
  off                        no address

SPEC of a further interface; one --interface replaces all earlier ones:
  MAC=ADDRESS                       a NIC
  bond0=MAC+MAC[,MODE][=ADDRESS]    a bond; MODE is 802.3ad, active-backup, …
  bond0.100=ADDRESS                 VLAN 100 on a bond
  MAC.100=ADDRESS                   VLAN 100 on a NIC
ADDRESS here is dhcp, none, or addresses joined by "+": 10.1.0.5/24+fd00::5/64.

Identity (host name, addresses, SSH host keys) of the clone:
  keep    from the old disk, else from the server's records
  assign  from these settings (default)
  ask     from a person at the node's console`;

export function addNodeSet(
  node: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(node.command("set"))
    .description("Name nodes, or change their settings.")
    .argument("<node...>", NODES)
    .option("--mac <mac>", "MAC address of the NIC that the node boots from")
    .option("--hostname <name>", "host name of the clone (default: the node's name)")
    .option("--address <address>", "address of the clone's first interface, see below")
    .option("--gateway <ip>", "default gateway of the clone")
    .option("--dns <ip>", "name server of the clone (repeatable)", collectIpv4)
    .option("--interface <spec>", "further NIC, bond or VLAN, see below (repeatable)", collect)
    .addOption(
      new Option("--identity <how>", "origin of the clone's name and addresses, see below")
        .choices(["keep", "assign", "ask", "none"] as const),
    )
    .option("--group <label>", "group; commands then take @LABEL for all of its nodes")
    .option("--disk <path>", "disk to install to, below /dev/disk/by-path or /dev/disk/by-id")
    .option("--rack <label>", "rack; nodes prefer peers in the same rack")
    .option(
      "--upload-limit <rate>",
      "limit of uploads to other nodes, e.g. 100mbit or 10MB/s; off: no limit",
      parseRateOrNone,
    )
    .addOption(
      new Option("--boot-program <name>", "boot program for firmware that hangs with the default")
        .choices(["snponly.efi", "ipxe.efi", "none"] as const),
    )
    .option("--json", "print the nodes as JSON")
    .addHelpText(
      "after",
      afterOptions({
        notes: NOTES,
        examples: [
          "rackseed node set n1 --mac 52:54:00:12:34:56 --address 10.0.0.11/24",
          "rackseed node set 'node[001-128]' --address 10.0.0.11-10.0.0.138/24 --group compute",
          "rackseed node set @compute --identity keep",
          "rackseed node set n1 --interface bond0=52:54:00:12:34:56+52:54:00:12:34:57",
        ],
      }),
    )
    .action(async (keys, { server, token, json, interface: interfaces, ...settings }) => {
      const { setNodes } = await import("./node_set.ts");
      await setNodes(keys, { server, token, json, settings: { ...settings, interfaces }, signal });
    });
}
