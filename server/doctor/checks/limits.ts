/** What the system lets one process have, and what the product needs to have in it. */
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";

const check = "limits";
/** As the server warns at its start, see connections/reaper.ts. */
const FEW_DESCRIPTORS = 16_384;

export async function checkLimits(_: DoctorOptions, system: DoctorSystem): Promise<Finding[]> {
  const descriptors = system.maxDescriptors(), missing = await system.missingBootPrograms();
  const findings: Finding[] = [];
  if (descriptors < FEW_DESCRIPTORS) {
    findings.push({
      check,
      level: "warning",
      text: `a process may open ${descriptors} files only, too few for many nodes`,
      remedy: `raise the hard limit to ${FEW_DESCRIPTORS}: LimitNOFILE= of the systemd unit, or ulimit -Hn.`,
    });
  }
  if (missing.length > 0) {
    findings.push({
      check,
      level: "problem",
      text: `this program lacks boot programs: ${missing.join(", ")}`,
      remedy: "use a complete dist/rackseed, as `deno task build` makes it.",
    });
  }
  if (findings.length > 0) return findings;
  return [{ check, level: "ok", text: `${descriptors} open files; all boot programs are there` }];
}
