/** A standby, or a server that has taken over. */
import { readStanding } from "../../standby/standing_file.ts";
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";

const check = "standby";
const SILENT_MS = 30_000;

/** Nothing on a server that was always the only one: the page shows how far its standbys are. */
export function checkStandby({ data }: DoctorOptions, system: DoctorSystem): Finding[] {
  const standing = readStanding(data);
  if (standing === undefined) return [];
  if (standing.role === "serves") {
    const { of, began, heard } = standing.takeOver;
    return [{
      check,
      level: "ok",
      text: `it took over from ${of} at ${began}; what that server did after ${heard} is not here`,
    }];
  }
  const { server, heardMs } = standing;
  if (heardMs === undefined) {
    return [
      problem(`no whole copy of ${server} has arrived yet`, "run `rackseed server` here, or join again."),
    ];
  }
  const heard = new Date(heardMs).toISOString();
  if (system.nowMs() - heardMs > SILENT_MS) {
    return [problem(
      `${server} was last heard of at ${heard}`,
      "run `rackseed server` on both, and check the network between them; if it has failed: rackseed server take-over",
    )];
  }
  return [{ check, level: "ok", text: `it follows ${server}, and has its state of ${heard}` }];
}

function problem(text: string, remedy: string): Finding {
  return { check, level: "problem", text, remedy };
}
