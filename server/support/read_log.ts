/** The end of the server's log. */
import { messageOf, RackseedError } from "#contract/errors.ts";

const UNIT = "rackseed.service";
const MAX_ENTRIES = 5000;
const MAX_FILE_BYTES = 4 << 20;

/** Out of the file, or out of the journal (journalctl(1)) if none is given. Throws RackseedError. */
export async function readLog(
  file: string | undefined,
  { signal }: { signal: AbortSignal },
): Promise<string> {
  return file === undefined ? await readJournal(signal) : await readEnd(file);
}

async function readJournal(signal: AbortSignal): Promise<string> {
  const args = [
    "--unit",
    UNIT,
    "--lines",
    String(MAX_ENTRIES),
    "--output",
    "short-iso",
    "--no-pager",
    "--quiet",
  ];
  try {
    const { success, stdout, stderr } = await new Deno.Command("journalctl", {
      args,
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
    }).output();
    const said = new TextDecoder().decode(success ? stdout : stderr).trim();
    if (success && said !== "") return `${said}\n`;
    throw new Error(said === "" ? `it has no entry of ${UNIT}` : said);
  } catch (error) {
    throw new RackseedError("cannot read the log in the journal", {
      reason: `${messageOf(error)}.`,
      remedy: "give the file that the server's log is in: --log FILE.",
      cause: error,
    });
  }
}

async function readEnd(path: string): Promise<string> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  await file.seek(Math.max(0, size - MAX_FILE_BYTES), Deno.SeekMode.Start);
  return await new Response(file.readable).text();
}
