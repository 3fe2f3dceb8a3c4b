/** Rehearsals that a stopped server is given, as if it had run them. */
import { openDatabase } from "../../../server/store/database.ts";
import { type RehearsalRecord, RehearsalTable } from "../../../server/store/rehearsals.ts";
import { pngOf } from "../../../server/virtual_machine/png.ts";

const CONSOLE = [
  "Linux version 6.1.0-37-amd64 (debian-kernel@lists.debian.org)",
  "Command line: BOOT_IMAGE=/vmlinuz root=UUID=7c1e ro console=tty0 console=ttyS0",
  ...Array.from({ length: 60 }, (_, i) => `[    ${(i / 9).toFixed(6)}] systemd[1]: Started unit ${i + 1}.`),
  "\x1b[0;32m  OK  \x1b[0m Reached target Multi-User System.",
  "",
  "Debian GNU/Linux 12 web ttyS0",
  "",
  "web login: ",
].join("\r\n");

/** Of web@1: one that failed, then one that proved it. */
export async function putRehearsals(data: string, versionId: string): Promise<void> {
  using db = openDatabase(`${data}/rackseed.db`);
  const table = new RehearsalTable(db);
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  const record = (id: string, from: number, rest: Partial<RehearsalRecord>): RehearsalRecord => ({
    id,
    image: "web",
    version: 1,
    versionId,
    state: "proved",
    firmware: "uefi",
    by: "ann",
    ordered: ago(from),
    started: ago(from),
    booted: ago(from - 4),
    ended: ago(from - 5),
    memoryMiB: 2048,
    probes: [
      { probe: { type: "login" }, passed: true, seen: "web login:", seconds: 41 },
      {
        probe: { type: "http", port: 8080, path: "/health" },
        passed: true,
        seen: "http://…:8080/health answers 200",
        seconds: 44,
      },
    ],
    request: {},
    mac: "52:54:00:00:00:09",
    node: `rehearsal-${id}`,
    ...rest,
  });
  table.put(record("failed", 90, {
    state: "failed",
    by: "bob",
    probes: [{ probe: { type: "login" }, passed: false, seen: "no login prompt on the serial console" }],
    problem: {
      title: "web@1 is not proved",
      status: 409,
      detail:
        "its kernel panicked: Kernel panic - not syncing: No working init found.; no login prompt on the serial console.",
      remedy: "see the screenshot and the console, correct the template and capture it again.",
    },
  }));
  table.put(record("proved", 30, {}));
  for (const id of ["failed", "proved"]) {
    await Deno.mkdir(`${data}/rehearsals/${id}`, { recursive: true });
    await Deno.writeTextFile(`${data}/rehearsals/${id}/console.log`, CONSOLE);
    await Deno.writeFile(`${data}/rehearsals/${id}/screenshot.png`, textScreen());
  }
}

/** 720 × 400, as a text console has it, with bars for lines. */
function textScreen(): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode("P6\n720 400\n255\n");
  const pixmap = new Uint8Array(header.length + 720 * 400 * 3);
  pixmap.set(header);
  for (let line = 0; line < 12; line++) {
    for (let y = 0; y < 9; y++) {
      const start = header.length + ((line * 16 + y + 8) * 720 + 8) * 3;
      pixmap.fill(170, start, start + (120 + (line * 97) % 400) * 3);
    }
  }
  return pngOf(pixmap);
}
