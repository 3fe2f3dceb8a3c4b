/** `rackseed node set` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { collect, collectIpv4, parseMirror, parseRateOrNone, UNLOCK } from "./arguments.ts";
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

Disks are named as below /dev/disk/by-path or /dev/disk/by-id:
  --disk PATH             for the template's system disks, in their order
  --data-disk /srv=PATH   for the template's data disk with /srv; without this
                          no data disk is written (1=PATH: its disk 1)
  --leave-disk PATTERN    never written: a name with * and ?, a size such as
                          ">2TB" or "<64GB", or label=NAME of a file system

HOW a node is switched on and off; numbers of its name as in an address:
  redfish://USER@HOST[/redfish/v1/Systems/ID]   its BMC; 10.1.0.{n} as HOST
  ipmi://USER@HOST                              an older BMC
  wol                                           Wake-on-LAN: on only
  'command:NAME {node} {action}'                a command of the site

Encrypted volumes of the clone are opened by:
  passphrase  typed at each start; \`node deploy\` asks for it
  key-file    a file of the clone, which its initramfs holds, too
  tpm2        the node's TPM 2.0

From the installer into its own system, a node goes by:
  reboot  a restart through the firmware (default)
  kexec   its own kernel at once, which spares minutes of self-test; through
          the firmware if that cannot be done

With --require-tpm on, a node gets orders (but \`node discover\`) only if its
TPM 2.0 proves that it runs this server's agent; see the help page Security.

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
    .option("--disk <path>", "disk to install to, see below (repeatable: for several disks)", collect)
    .option("--data-disk <which=path>", "data disk to overwrite, see below (repeatable)", collect)
    .option("--leave-disk <pattern>", "disks never to write to, see below (repeatable)", collect)
    .option("--mirror <n>", "number of disks that mirrors get (default: the template's)", parseMirror)
    .addOption(
      new Option("--unlock <how>", "how encrypted volumes are opened, see below")
        .choices([...UNLOCK, "none"] as const),
    )
    .option("--rack <label>", "rack; nodes prefer peers in the same rack")
    .option(
      "--upload-limit <rate>",
      "limit of uploads to other nodes, e.g. 100mbit or 10MB/s; off: no limit",
      parseRateOrNone,
    )
    .addOption(
      new Option("--boot-program <name>", "first UEFI boot program, for unusual firmware")
        .choices(["snponly.efi", "ipxe.efi", "shimx64.efi", "none"] as const),
    )
    .option("--power <how>", "how it is switched on and off, see below")
    .option(
      "--power-password-file <file>",
      "file with the BMC's password (default: ask); - for standard input",
    )
    .option("--power-pin <sha256>", "the BMC's certificate; new: the next one (default: the first one)")
    .addOption(
      new Option("--finish <how>", "how nodes get from the installer into their own system, see below")
        .choices(["reboot", "kexec", "none"] as const),
    )
    .addOption(
      new Option("--require-tpm <how>", "whether its TPM 2.0 must prove what it runs, see below")
        .choices(["on", "off", "none"] as const),
    )
    .option("--json", "print the nodes as JSON")
    .addHelpText(
      "after",
      afterOptions({
        notes: NOTES,
        examples: [
          "rackseed node set n1 --mac 52:54:00:12:34:56 --address 10.0.0.11/24",
          "rackseed node set 'node[001-128]' --address 10.0.0.11-10.0.0.138/24 --group compute",
          "rackseed node set @compute --identity keep --require-tpm on",
          "rackseed node set n1 --disk /dev/disk/by-path/pci-0000:00:1f.2-ata-1 --leave-disk '>2TB'",
          "rackseed node set 'n[1-8]' --power 'redfish://admin@10.1.0.{n}' --power-password-file bmc.txt",
          "rackseed node set n1 --interface bond0=52:54:00:12:34:56+52:54:00:12:34:57",
        ],
      }),
    )
    .action(
      async (
        keys,
        { server, token, json, interface: interfaces, disk: disks, dataDisk, leaveDisk, ...rest },
      ) => {
        const { setNodes } = await import("./node_set.ts");
        const settings = { ...rest, interfaces, disks, dataDisks: dataDisk, leaveDisks: leaveDisk };
        await setNodes(keys, { server, token, json, settings, signal });
      },
    );
}
