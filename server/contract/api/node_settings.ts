/** What is set for a node. A module of its own, so that the desk checks by it in the browser. */
import { z } from "zod";
import { Cidr, Hostname, IdentityMode, Ipv4Address, Mac, NetworkInterface } from "../identity.ts";
import { DiskChoices } from "./disks.ts";
import { BytesPerSecond, RackLabel } from "./distribution.ts";
import { Unlock } from "./encryption.ts";
import { Finish } from "./finish.ts";

export const NodeSettings = z.object({
  mac: Mac.optional(),
  hostname: Hostname.optional(),
  /** How it gets its identity; absent: "assign". */
  identity: IdentityMode.optional(),
  /**
   * "dhcp", or the clone's address on the NIC that it boots from, or on the bond with that NIC; "off": no address
   * there.
   */
  address: z.union([z.enum(["dhcp", "off"]), Cidr]).optional(),
  gateway: Ipv4Address.optional(),
  dns: z.array(Ipv4Address).max(3).optional(),
  /** Further NICs, bonds and VLANs, and further settings of the first one. */
  interfaces: z.array(NetworkInterface).max(64).optional(),
  /** On the command line, `@LABEL` means all nodes of the group. */
  group: RackLabel.optional(),
  /**
   * First UEFI boot program: snponly.efi, ipxe.efi for firmware that hangs with snponly.efi, or shimx64.efi for a machine
   * that trusts its vendor's keys only. On arm64 shim is shimaa64.efi, and there is no iPXE to choose.
   */
  bootProgram: z.enum(["snponly.efi", "ipxe.efi", "shimx64.efi"]).optional(),
  ...DiskChoices.shape,
  /** How its encrypted volumes are opened. */
  unlock: Unlock.optional(),
  /** Its upload limit; "off": none, even if the site has one. */
  uploadLimit: z.union([BytesPerSecond, z.literal("off")]).optional(),
  /** Nodes with the same label prefer each other as peers. */
  rack: RackLabel.optional(),
  /** Interval between its backups, while its agent runs. */
  backupEverySeconds: z.int().min(60).max(366 * 86_400).optional(),
  /** How it gets from the installer into its own system; absent: "reboot". */
  finish: Finish.optional(),
  /** Whether it gets orders only if its TPM proves what it runs; absent: as the server's own setting says. */
  requireTpm: z.enum(["on", "off"]).optional(),
});
export type NodeSettings = z.infer<typeof NodeSettings>;
