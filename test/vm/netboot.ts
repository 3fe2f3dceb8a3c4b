/** Real firmware in QEMU, from power-on to the agent's first report, by the ways of the table in the documentation. */
import assert from "node:assert/strict";
import { fetchBootPrograms } from "../../scripts/build/boot_programs.ts";
import type { Firmware } from "../../scripts/lab/qemu.ts";
import { qemuNeeds } from "../../scripts/lab/qemu.ts";
import { agentImage, bootImageNeeds } from "../support/boot_image.ts";
import { FOREIGN_PROGRAMS, type ForeignServer } from "../support/foreign_dhcp.ts";
import { bootToReport } from "../support/netboot_lab.ts";
import { testWay } from "./boot_way.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;

/** How a machine boots: its firmware, by PXE or HTTP boot, and whose addresses it has. */
interface BootWay {
  readonly firmware: Firmware;
  readonly httpBoot?: boolean;
  readonly beside?: ForeignServer;
  /** In a network without IPv4. */
  readonly ipv6?: boolean;
}

/** What the firmware asks for, in this order, until the kernel. QEMU's BIOS has iPXE as its ROM. */
function expectedRequests({ firmware, httpBoot = false }: BootWay): RegExp {
  const script = "asked http ipxe/52-54-00-78-00-09";
  const program = firmware === "bios" ? [] : [httpBoot ? "asked http snponly.efi" : "asked tftp snponly.efi"];
  return new RegExp([...program, script, "asked http images/web@3/vmlinuz"].join("[^]*"));
}

export function testBootWay(way: BootWay): void {
  const { firmware, httpBoot = false, beside, ipv6 = false } = way;
  const other = beside === undefined ? [] : [FOREIGN_PROGRAMS[beside], "ss"];
  testWay({
    firmware: firmware === "bios" ? "BIOS (SeaBIOS, iPXE ROM)" : "UEFI (OVMF)",
    way: httpBoot ? "HTTP boot" : "PXE",
    ...beside !== undefined && { addresses: beside },
    ...ipv6 && { addresses: "the built-in DHCPv6 server" },
    ends: "first report",
    needs: {
      root: true,
      programs: [...qemuNeeds.programs, ...bootImageNeeds.programs, ...other],
      files: qemuNeeds.files,
    },
    async fn(folder) {
      await fetchBootPrograms(`${cache}/boot-programs`, { scratch: `${cache}/boot-packages` });
      const { ms, said } = await bootToReport({ ...way, folder, image: await agentImage() });
      assert.match(said, expectedRequests(way));
      if (ipv6) assert.match(said, /^decided solicit advertise$/m);
      if (beside === undefined) return ms;
      // the other server's business is left to it, and nothing but boot files comes from here
      assert.match(said, /^decided select other-server$/m);
      if (firmware === "uefi" && !httpBoot) assert.match(said, /^decided renew ack$/m);
      return ms;
    },
  });
}
