/**
 * The token that reads GET /metrics and nothing else, for the monitoring system. It follows from the admin token, so
 * that a restored server still accepts it; a new admin token ends it. The file is a copy for the operator.
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import type { AdminToken } from "./admin_token.ts";
import { writePrivateFile } from "./private_file.ts";

const log = getLogger(["rackseed", "server"]);
const PURPOSE = "metrics";

/** Writes the token to DIR/metrics-token. A full disk must not keep the server from starting. */
export function writeMetricsToken(dataDirectory: string, admin: Pick<AdminToken, "sign">): void {
  const path = `${dataDirectory}/metrics-token`;
  try {
    writePrivateFile(path, `${admin.sign(PURPOSE)}\n`);
  } catch (error) {
    log.error("metrics-token-not-written", { path, error: messageOf(error) });
  }
}

export function isMetricsToken(text: string, admin: Pick<AdminToken, "isSignature">): boolean {
  return admin.isSignature(text, PURPOSE);
}
