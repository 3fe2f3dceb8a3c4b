/** The data directory: that it is there, is the server's own, and holds what it must. */
import { accessSync, constants } from "node:fs";
import { messageOf } from "#contract/errors.ts";
import { databaseRefusal, storeFacts } from "../../store/start_check.ts";
import type { DoctorOptions, Finding } from "../finding.ts";

const check = "data";
/** Files that hold secrets. */
const PRIVATE = [
  "token",
  "metrics-token",
  "rackseed.db",
  "keys/signing.pem",
  "keys/secrets.key",
  "tls/ca.key",
];
const OTHERS = 0o077;

export function checkData({ data }: DoctorOptions): Finding[] {
  const info = statOf(data);
  if (info === undefined) {
    return [{ check, level: "ok", text: `${data} does not exist yet; the first start makes it` }];
  }
  const refusal = databaseRefusal(data, storeFacts(data));
  if (refusal) {
    return [{ check, level: "problem", text: `${refusal.title}: ${refusal.reason}`, remedy: refusal.remedy }];
  }
  const findings = [...unwritable(data), ...exposed(data), ...signingKey(data)];
  return findings.length > 0 ? findings : [{ check, level: "ok", text: `${data} is complete and private` }];
}

function unwritable(data: string): Finding[] {
  try {
    accessSync(data, constants.W_OK);
    return [];
  } catch (error) {
    return [{
      check,
      level: "problem",
      text: `${data} cannot be written: ${messageOf(error)}`,
      remedy:
        "run this as the server's user; if the file system is read-only, read the kernel's log (dmesg).",
    }];
  }
}

function exposed(data: string): Finding[] {
  const open = ["", ...PRIVATE].filter((name) => ((statOf(`${data}/${name}`)?.mode ?? 0) & OTHERS) !== 0)
    .map((name) => name === "" ? data : `${data}/${name}`);
  if (open.length === 0) return [];
  return [{
    check,
    level: "problem",
    text: `other users can read ${open.join(", ")}: secrets of the whole site`,
    remedy: `chmod go= ${open.join(" ")}`,
  }];
}

/** Every version is signed with it, and nodes refuse another one. */
function signingKey(data: string): Finding[] {
  const hasVersions = storeFacts(data).written.some((what) => what.startsWith("versions/"));
  if (!hasVersions || statOf(`${data}/keys/signing.pem`) !== undefined) return [];
  return [{
    check,
    level: "problem",
    text: `${data}/keys/signing.pem is missing, with which all versions were signed`,
    remedy: "put it back from a backup: rackseed server restore FILE --force",
  }];
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
