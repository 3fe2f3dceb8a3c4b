/** `rackseed doctor`. */
import { RackseedError } from "#contract/errors.ts";
import { print, printJson } from "./cli/terminal.ts";
import type { DoctorCommand } from "./cli/server_options.ts";
import { examine } from "./doctor/doctor.ts";
import type { Finding } from "./doctor/finding.ts";
import { realSystem } from "./doctor/system.ts";

const MARKS: Readonly<Record<Finding["level"], string>> = {
  ok: "ok",
  warning: "warning",
  problem: "PROBLEM",
};

/** Prints the findings. Throws RackseedError if one of them keeps the server from working. */
export async function runDoctor({ json, ...options }: DoctorCommand): Promise<void> {
  const findings = await examine(options, realSystem);
  if (json) printJson(findings);
  else {
    for (const { check, level, text, remedy } of findings) {
      print(`${MARKS[level].padEnd(8)} ${check.padEnd(13)} ${text}`);
      if (remedy !== undefined) print(`${" ".repeat(22)} Remedy: ${remedy}`);
    }
  }
  const problems = findings.filter(({ level }) => level === "problem").length;
  if (problems === 0) return;
  throw new RackseedError(`found ${problems} ${problems === 1 ? "problem" : "problems"}`, {
    reason: "they are listed above.",
    remedy: "carry out the remedies, and run rackseed doctor again.",
  });
}
