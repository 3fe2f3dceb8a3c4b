/** Our own decoders of data from HTTP clients and the kernel command line. */
import fc from "fast-check";
import { formatToken, parseToken, pinOf } from "#contract/token.ts";
import { RackseedError } from "#contract/errors.ts";
import { parseBootArguments } from "../../../agent/start/boot_arguments.ts";
import { handleBoot } from "../../../boot/http.ts";
import { fileOfBytes } from "../../../boot/tftp/tftp_file.ts";
import { EndedSessions } from "../../../server/store/ended_sessions.ts";
import { AdminToken } from "../../../server/access/admin_token.ts";
import { PageSessions } from "../../../server/access/page_sessions.ts";
import { parseRange } from "../../../server/swarm/web_seed.ts";
import { decoder } from "./decoder.ts";
import { refusesBy } from "./refusals.ts";
import { emptyDatabase } from "../../../server/store/testing/test_database.ts";

const ranges = fc.tuple(fc.nat(2000), fc.nat(2000)).map(([first, last]) => `bytes=${first}-${last}`);
const PIN = "p".repeat(43);
const COOKIE = `1700000000.${"i".repeat(22)}.${"o".repeat(80)}.${"m".repeat(43)}`;

/** The HTTP parser lets no control characters through. */
function bootAnswer(header: string): number {
  const range = header.replaceAll(/[^\x20-\x7e]/g, "").trim();
  const request = new Request("http://10.0.0.1:8080/boot/x", { headers: { range } });
  return handleBoot(request, { lookup: () => fileOfBytes(new Uint8Array(1000)) }).status;
}

function adminToken(): AdminToken {
  const folder = Deno.makeTempDirSync({ prefix: "fuzz-token-" });
  try {
    return AdminToken.open(folder, { pin: PIN });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

let door: { admin: AdminToken; sessions: PageSessions } | undefined;

function openDoor() {
  const admin = adminToken(), ended = new EndedSessions(emptyDatabase());
  return { admin, sessions: new PageSessions({ admin, ended, generationOf: () => undefined, now: () => 0 }) };
}

export const decoders = [
  decoder({
    name: "byte range",
    inputs: ranges,
    decode: (header) => [parseRange(header, 1000), bootAnswer(header)],
  }),
  decoder({
    name: "cookie and token",
    inputs: fc.constantFrom(COOKIE, formatToken({ pin: PIN, secret: "s".repeat(43) })),
    decode: (text) => {
      door ??= openDoor();
      return [parseToken(text), door.sessions.find(text, { isUse: true }), door.admin.isToken(text)];
    },
  }),
  decoder({
    name: "certificate's pin",
    inputs: fc.base64String({ maxLength: 500 }).map((text) =>
      `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`
    ),
    decode: pinOf,
  }),
  decoder({
    name: "kernel command line",
    inputs: fc.constantFrom(
      "BOOT_IMAGE=x rackseed.server=https://10.0.0.1:8443 rackseed.token=rs1.a.b rackseed.mac=52-54-00-00-00-01",
      "rackseed.server=https://10.0.0.1:8443 rackseed.token=t rackseed.ip=10.0.0.5 rackseed.mask=255.255.255.0 " +
        "rackseed.gw=10.0.0.254 rackseed.dns=10.0.0.2,10.0.0.3 quiet",
    ),
    decode: parseBootArguments,
    refuses: refusesBy(RackseedError),
  }),
];
