/** Fresh values in the form that each file has, and whether a file from an old disk has that form. Pure. */
import type { FreshValue } from "#contract/own_files/table.ts";

/** What is random about one clone. */
export interface Randomness {
  /** Lowercase hexadecimal digits. */
  readonly hex: (digits: number) => string;
  /** Of the NVMe host, for its NQN and its id. */
  readonly nvmeHost: string;
}

/** `text`: the template's. Undefined if it has no value that another machine must not have. */
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

/** Of gethostid(3): four bytes, none of them all zero, which means that there is none. */
export function freshHostId(hex: Randomness["hex"]): Uint8Array<ArrayBuffer> {
  const id = new Uint8Array(Buffer.from(hex(8), "hex"));
  return id.some((byte) => byte !== 0) ? id : Uint8Array.of(1, 0, 0, 0);
}

/**
 * initiatorname.iscsi: comments stay, and so does what precedes the last colon: distributions put their own prefix
 * there ("iqn.1993-08.org.debian:01:"). A last part that is no random number is a site's name for the machine: it
 * stays, and the number follows it. RFC 7143 section 4.2.7.
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

/** The UUID of an NVMe host that its NQN or its id names. */
export function nvmeHostOf(text: string): string | undefined {
  const uuid = text.trim().replace(/^nqn\.2014-08\.org\.nvmexpress:uuid:/, "");
  return UUID.test(uuid) ? uuid.toLowerCase() : undefined;
}

/** Whether bytes that an old disk has in such a file are one. */
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
