import assert from "node:assert/strict";
import { bootOrderAfter, parseEfiBoot } from "./efi_boot_order.ts";

const EFI = `BootCurrent: 0003
Timeout: 0 seconds
BootOrder: 0003,0001,0000
Boot0000* UiApp
Boot0001* UEFI QEMU HARDDISK
Boot0003* UEFI PXEv4 (MAC:525400123456)
`;

Deno.test("the network stays first in the firmware's order, the new system right behind it", () => {
  const before = parseEfiBoot(EFI);
  assert.deepEqual([before.order, before.current], [["0003", "0001", "0000"], "0003"]);
  const after = parseEfiBoot(EFI.replace("0003,0001,0000", "0004,0003,0001,0000") + "Boot0004* debian\n");
  assert.deepEqual(bootOrderAfter(before, after), ["0003", "0004", "0001", "0000"]);
});

Deno.test("behind the entry that led to the agent, the new system comes before other ways into the network", () => {
  const others = "Boot0005* UEFI HTTPv4 (MAC:525400123456)\nBoot0006* UEFI PXEv4 (MAC:525400123457)\n";
  const firmware = EFI.replace("0003,0001,0000", "0006,0003,0005,0001,0000") + others;
  const after = parseEfiBoot(
    firmware.replace("0006,0003,0005", "0004,0006,0003,0005") + "Boot0004* debian\n",
  );
  const orderFrom = (current: string) =>
    bootOrderAfter(parseEfiBoot(firmware.replace("Current: 0003", `Current: ${current}`)), after)?.join();
  assert.equal(orderFrom("0003"), "0006,0003,0004,0005,0001,0000");
  assert.equal(orderFrom("0005"), "0006,0003,0005,0004,0001,0000");
  // a boot menu or BootNext led to the agent: it says nothing about the network's entries
  assert.equal(orderFrom("0009"), "0006,0003,0005,0004,0001,0000");
});

Deno.test("the entry that started the agent is the network, whatever its name", () => {
  const named = EFI.replace("UEFI PXEv4 (MAC:525400123456)", "Slot 3");
  const after = parseEfiBoot(named.replace("0003,0001,0000", "0004,0003,0001,0000") + "Boot0004* debian\n");
  assert.deepEqual(bootOrderAfter(parseEfiBoot(named), after), ["0003", "0004", "0001", "0000"]);
});

Deno.test("if the disk was first, the order stays as grub-install left it", () => {
  const before = parseEfiBoot(EFI.replace("0003,0001,0000", "0001,0003,0000"));
  const after = parseEfiBoot(EFI.replace("0003,0001,0000", "0004,0001,0003,0000") + "Boot0004* debian\n");
  assert.equal(bootOrderAfter(before, after), undefined);
});
