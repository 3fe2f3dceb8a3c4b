/**
 * A program to run instead of the agent, in a machine with UEFI: it sets up the Secure Boot keys of the file
 * variables.json beside it, says what it did, and waits.
 */
import type { SecureBootOrder } from "#contract/api/secure_boot.ts";
import { enrolSecureBoot } from "../../agent/install/boot_loader/secure_boot.ts";
import { Drivers, mountFirmwareVariables, mountKernelFileSystems } from "../../agent/start/initramfs.ts";
import { runCommand } from "../../agent/sys/command.ts";

export const enrolmentEnds = "enrolment ends";

if (import.meta.main) {
  await mountKernelFileSystems();
  await new Drivers({ run: runCommand, signal: new AbortController().signal }).loadFileSystems();
  console.log(await mountFirmwareVariables() ?? "the firmware's variables are accessible");
  console.log(`SecureBoot ${value("SecureBoot")}, SetupMode ${value("SetupMode")}`);
  const order = JSON.parse(
    Deno.readTextFileSync(new URL("./variables.json", import.meta.url)),
  ) as SecureBootOrder;
  console.log(`outcome: ${await enrolSecureBoot(order, { programs: [] })}`);
  console.log(enrolmentEnds);
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
}

function value(name: string): number | undefined {
  return Deno.readFileSync(`/sys/firmware/efi/efivars/${name}-8be4df61-93ca-11d2-aa0d-00e098032b8c`)[4];
}
