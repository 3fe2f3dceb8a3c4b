/** Switch ports that forward nothing for half a minute after the link comes up: network boots fail or take longer. */
import { readLateMachines } from "../../store/late_machines.ts";
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";

const check = "spanning tree";
/** An older observation may be about a switch that was set up since. */
const KEPT_MS = 30 * 86_400_000;
const MAX_NAMES = 10;

export function checkSpanningTree({ data }: DoctorOptions, system: DoctorSystem): Finding[] {
  const late = readLateMachines(data).filter(({ at }) => system.nowMs() - Date.parse(at) < KEPT_MS);
  if (late.length === 0) {
    return [{ check, level: "ok", text: "no machine's first packets were lost at its network boot" }];
  }
  const shown = late.slice(-MAX_NAMES).map(({ mac, seconds }) => `${mac} (${seconds} s)`);
  const more = late.length > MAX_NAMES ? ` and ${late.length - MAX_NAMES} more` : "";
  return [{
    check,
    level: "warning",
    text: `switch ports drop the first packets of machines that boot: ${shown.join(", ")}${more}`,
    remedy: "make the ports to the nodes edge ports, which spanning tree lets forward at once: PortFast, " +
      "or admin-edge. Otherwise firmware may give up before its port forwards.",
  }];
}
