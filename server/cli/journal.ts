/**
 * Sends log events to systemd's journal with their properties as fields, so that `journalctl RACKSEED_NODE=n1` finds
 * them (systemd.io, "Native Journal Protocol"). A datagram is one entry; a field is
 *
 *     KEY=value\n                           if the value has no line feed
 *     KEY\n  length (u64, little endian)  value  \n
 */
import type { LogRecord, Sink } from "@logtape/logtape";
import { fstatSync } from "node:fs";
import { eventText, messageOf, plain, presentOf, sourceOf } from "./log_line.ts";

const SOCKET = "/run/systemd/journal/socket";
/** sd-daemon(3), syslog(3). */
const PRIORITIES: Readonly<Record<string, number>> = {
  fatal: 2,
  error: 3,
  warning: 4,
  info: 6,
  debug: 7,
  trace: 7,
};
/** journald(8) takes names of up to 64 characters. */
const MAX_NAME = 64;
/** Entries on their way. A journal that stands still loses further ones to the other sink. */
const MAX_WAITING = 1000;

interface JournalOptions {
  /** Also if standard error is not connected to the journal. */
  readonly always: boolean;
  /** Gets the entries that the journal does not take. */
  readonly otherwise: Sink;
  readonly socket?: string;
}

/** Undefined if there is no journal, or standard error is not connected to it. */
export function openJournal({ always, otherwise, socket = SOCKET }: JournalOptions): Sink | undefined {
  if (!always && !isStderrJournal()) return undefined;
  const journal = connect();
  if (journal === undefined) return undefined;
  let waiting = 0;
  return (record) => {
    if (waiting >= MAX_WAITING) return otherwise(record);
    waiting++;
    journal.send(journalEntry(record), { transport: "unixpacket", path: socket })
      .catch(() => otherwise(record)).finally(() => waiting--);
  };
}

/** systemd.exec(5): device and inode of the stream that the service was started with. */
function isStderrJournal(): boolean {
  const stream = Deno.env.get("JOURNAL_STREAM");
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(2);
  return stream === `${dev}:${ino}`;
}

/** Deno sends only from a socket with a name; the name is needed no longer than until it is bound. */
function connect(): Deno.DatagramConn | undefined {
  try {
    const folder = Deno.makeTempDirSync({ prefix: "rackseed-log-" });
    try {
      return Deno.listenDatagram({ transport: "unixpacket", path: `${folder}/log` });
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  } catch {
    return undefined;
  }
}

export function journalEntry(record: LogRecord): Uint8Array {
  const fields: [name: string, value: string][] = [
    ["MESSAGE", eventText(record)],
    ["PRIORITY", String(PRIORITIES[record.level] ?? 6)],
    ["SYSLOG_IDENTIFIER", "rackseed"],
    ["RACKSEED_SOURCE", sourceOf(record)],
    ["RACKSEED_EVENT", messageOf(record)],
    ...presentOf(record).map(([key, value]): [string, string] => [fieldName(key), fieldValue(plain(value))]),
  ];
  return new Uint8Array(Buffer.concat(fields.map(([name, value]) => encodeField(name, value))));
}

function encodeField(name: string, value: string): Uint8Array {
  if (!value.includes("\n")) return Buffer.from(`${name}=${value}\n`);
  const bytes = Buffer.from(value), length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from("\n")]);
}

function fieldName(key: string): string {
  return `RACKSEED_${key.replaceAll(/([a-z])([A-Z])/g, "$1_$2").replaceAll(/\W/g, "_").toUpperCase()}`
    .slice(0, MAX_NAME);
}

function fieldValue(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}
