/** Takes what a clone says when it is up (#contract/first_boot.ts). Its token is all that it has. */
import { MAX_FIRST_BOOT_BYTES, parseFirstBoot } from "#contract/first_boot.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { bytesBody } from "./body.ts";
import type { CloneReports } from "./clone_reports.ts";

export async function handleFirstBoot(
  request: Request,
  { clones, address }: { clones: Pick<CloneReports, "take">; address: string },
): Promise<Response> {
  if (request.method !== "POST") return new Response("POST only\n", { status: 405 });
  try {
    const body = await bytesBody({ raw: request }, { maxBytes: MAX_FIRST_BOOT_BYTES });
    const report = parseFirstBoot(new TextDecoder().decode(body));
    if (clones.take(report, { address })) return new Response(null, { status: 204 });
    return new Response("this token is not known, or not any more\n", { status: 410 });
  } catch (error) {
    const status = error instanceof RackseedError ? error.status : error instanceof RangeError ? 400 : 500;
    return new Response(`${messageOf(error)}\n`, { status });
  }
}
