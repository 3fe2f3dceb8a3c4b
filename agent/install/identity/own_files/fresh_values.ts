/** Makes fresh values in the form that each file requires, and checks the form of files from an old disk. Pure. */
import type { FreshValue } from "#contract/own_files/table.ts";

/** The random values of one clone. */
export interface Randomness {
  /** Lowercase hexadecimal digits. */
  readonly hex: (digits: number) => string;
  /** UUID of the NVMe host, for its NQN and its id. */
  readonly nvmeHost: string;
}

/** `text`: the template's. Undefined if it contains no machine-specific value. */
export function freshText(
  value: Exclude<FreshValue, "host-id">,
  text: string,
  { hex, nvmeHost }: Randomness,
): string | undefined {
  switch (value) {
    case "iscsi-initiator":
      return freshInitiator(text, hex);
    case "nvme-host-nqn":
      return text.trim() === "" ? undefined : `${NVME_PREFIX}${nvmeHost}\n`;
    case "nvme-host-id":
      return text.trim() === "" ? undefined : `${nvmeHost}\n`;
    case "adjtime":
      return freshAdjtime(text);
    case "popularity-contest":
      return replaced(text, /^(MY_HOSTID=)(["']?)[^"'\n]*\2$/m, (name) => `${name}"${hex(32)}"`);
  }
}

const NVME_PREFIX = "nqn.2014-08.org.nvmexpress:uuid:";

/** For gethostid(3): four bytes, not all zero, since zero means no id. */
export function freshHostId(hex: Randomness["hex"]): Uint8Array<ArrayBuffer> {
  const id = new Uint8Array(Buffer.from(hex(8), "hex"));
  return id.some((byte) => byte !== 0) ? id : Uint8Array.of(1, 0, 0, 0);
}

/**
 * initiatorname.iscsi: keeps the comments and everything before the last colon, the prefix of the distribution
 * ("iqn.1993-08.org.debian:01:"). If the last part is not a random number, it is the site's name for the machine: it
 * stays, and the number is appended. RFC 7143 section 4.2.7.
 */
function freshInitiator(text: string, hex: Randomness["hex"]): string | undefined {
  const fresh = hex(12);
  return replaced(text, /^([ \t]*InitiatorName[ \t]*=[ \t]*)(\S+)/gm, (key, name) => {
    const [, prefix, last] = /^(iqn\.\d{4}-\d\d\.[^:]+(?::.*)?):([^:]*)$/.exec(name) ?? [];
    if (prefix !== undefined && /^[0-9a-f]{4,}$/i.test(last ?? "")) return `${key}${prefix}:${fresh}`;
    if (/^iqn\.\d{4}-\d\d\./.test(name)) return `${key}${name.slice(0, 223 - 13)}:${fresh}`;
    return `${key}iqn.2005-03.org.open-iscsi:${fresh}`;
  });
}

/** adjtime_config(5): drift and its time, last calibration, and whether the clock is kept in local time. */
function freshAdjtime(text: string): string | undefined {
  const [drift = "", calibrated = "", mode = "UTC"] = text.split("\n");
  if (!/^[-+.\d\s]+$/.test(drift) || !/^\d+$/.test(calibrated)) return undefined;
  return `0.0 0 0.0\n0\n${mode === "LOCAL" ? "LOCAL" : "UTC"}\n`;
}

function replaced(
  text: string,
  expression: RegExp,
  by: (first: string, second: string) => string,
): string | undefined {
  if (text.search(expression) < 0) return undefined;
  return text.replace(expression, (_, first: string, second: string) => by(first, second));
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The UUID in an NVMe host's NQN or id. */
export function nvmeHostOf(text: string): string | undefined {
  const uuid = text.trim().replace(/^nqn\.2014-08\.org\.nvmexpress:uuid:/, "");
  return UUID.test(uuid) ? uuid.toLowerCase() : undefined;
}

/** Whether the content of a file from an old disk has the form of such a value. */
export function hasForm(value: FreshValue, bytes: Uint8Array): boolean {
  if (value === "host-id") return bytes.length === 4;
  const text = new TextDecoder().decode(bytes);
  switch (value) {
    case "iscsi-initiator":
      return /^InitiatorName=(iqn\.\d{4}-\d\d\.|eui\.|naa\.)[\w.:-]{1,219}$/m.test(text) &&
        text.split("\n").every((line) => /^\s*(#|$|InitiatorName=|InitiatorAlias=)/.test(line));
    case "nvme-host-nqn":
      return /^nqn\.\d{4}-\d\d\.[\x21-\x7e]{1,211}\n?$/.test(text);
    case "nvme-host-id":
      return UUID.test(text.trim());
    case "adjtime":
    case "popularity-contest":
      return false;
  }
}
