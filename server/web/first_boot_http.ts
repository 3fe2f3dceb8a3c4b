/** Receives the first-boot report of a clone (#contract/api/first_boot.ts), which authenticates by its token alone. */
import { MAX_FIRST_BOOT_BYTES, parseFirstBoot } from "#contract/api/first_boot.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { bytesBody } from "./body.ts";
import type { CloneReports } from "../fleet/first_boot/clone_reports.ts";

export async function handleFirstBoot(
  request: Request,
  { clones, address }: { clones: Pick<CloneReports, "knows" | "accept">; address: string },
): Promise<Response> {
  if (request.method !== "POST") return new Response("POST only\n", { status: 405 });
  try {
    const body = await bytesBody({ raw: request }, {
      maxBytes: MAX_FIRST_BOOT_BYTES,
      vet: (head) => {
        const token = /^token (\S+)$/m.exec(new TextDecoder().decode(head))?.[1] ?? "";
        if (!clones.knows(token)) throw unknownToken();
      },
    });
    const report = parseFirstBoot(new TextDecoder().decode(body));
    if (clones.accept(report, { address })) return new Response(null, { status: 204 });
    throw unknownToken();
  } catch (error) {
    const status = error instanceof RackseedError ? error.status : error instanceof RangeError ? 400 : 500;
    return new Response(`${messageOf(error)}\n`, { status });
  }
}

function unknownToken(): RackseedError {
  return new RackseedError("cannot accept this first-boot report", {
    reason: "its token is unknown or no longer valid.",
    remedy: "nothing to do: the clone has already reported, or was deployed again.",
    status: 410,
  });
}
