/** Accepts new power settings, and keeps an operator from sending a stored password to another machine. */
import type { PowerChange, PowerSettings } from "#contract/api/power.ts";
import { RackseedError } from "#contract/errors.ts";
import type { PowerRecord, PowerUpdate } from "../store/power_records.ts";
import { isSecureOn } from "./wake/wake_driver.ts";

/** `old`: what is stored. Throws RackseedError (400) if a password is missing or cannot be one. */
export function newPower(
  { power: settings, secret, pin }: PowerChange & { power: PowerSettings },
  { name, old }: { name: string; old: PowerRecord | undefined },
): PowerUpdate {
  const title = `cannot set the power settings of ${name}`;
  const refuse = (reason: string, remedy: string) =>
    new RackseedError(title, { reason, remedy, status: 400 });
  const isSame = old !== undefined && sameLogin(old.settings, settings);
  const needsSecret = settings.method === "redfish" || settings.method === "ipmi";
  if (needsSecret && secret === undefined && !(isSame && old.hasSecret)) {
    throw refuse(
      old ? "a stored password is not used for another address or user." : "its password is missing.",
      "give --power-password-file FILE, or run the command at a terminal, which asks for it.",
    );
  }
  if (settings.method === "ipmi" && secret !== undefined && new TextEncoder().encode(secret).length > 20) {
    throw refuse(
      "an IPMI password has at most 20 bytes.",
      "use redfish://, or give the BMC's user a shorter one.",
    );
  }
  if (settings.method === "wol" && secret !== undefined && !isSecureOn(secret)) {
    throw refuse("a SecureOn password is six bytes: 01:02:03:04:05:06.", "give it in that form, or none.");
  }
  if (settings.method === "command" && secret !== undefined) {
    throw refuse("a command gets no password.", "keep it in a file that the command reads.");
  }
  if (settings.method !== "redfish" && pin !== undefined) {
    throw refuse("only Redfish has a certificate.", "leave the pin out.");
  }
  return {
    settings,
    secret: secret ?? (isSame ? undefined : null),
    pin: pin === "new" ? null : pin ?? (isSame ? undefined : null),
  };
}

function sameLogin(a: PowerSettings, b: PowerSettings): boolean {
  if (a.method === "redfish" || a.method === "ipmi") {
    return a.method === b.method && a.host === b.host && a.port === b.port && a.user === b.user;
  }
  return a.method === "wol" && b.method === "wol";
}
