/** What a client's rsync has the server do: its arguments (server_options of rsync's options.c), read with care. */
import { EXIT, quoted, Refusal } from "./refusal.ts";

export interface SenderRequest {
  /** With the module in front, as the client wrote them: "torrents/web@1.torrent". */
  readonly paths: readonly string[];
  readonly recurse: boolean;
  readonly directories: boolean;
  readonly owners: boolean;
  readonly groups: boolean;
  readonly numericIds: boolean;
  /** The list carries every file's sum. */
  readonly sums: boolean;
  readonly compress: boolean;
  readonly dryRun: boolean;
  /** More arguments follow, kept from any shell. */
  readonly secluded: boolean;
  readonly checksumSeed: number;
}

/** Letters that change nothing for a sender of plain files, beside those that SenderRequest has a field for. */
const HARMLESS_LETTERS = "vqbulmKOJLkWtDpEIRxSy";
/** The same of long options; with `=VALUE` or without. */
const HARMLESS = new Set([
  ...["timeout", "bwlimit", "suffix", "compress-level", "skip-compress", "max-alloc", "info", "debug"],
  ...["inplace", "partial", "ignore-errors", "safe-links", "copy-unsafe-links", "use-qsort", "specials"],
  ...["no-specials", "list-only", "msgs2stderr", "no-msgs2stderr", "ignore-missing-args", "open-noatime"],
  ...["no-implied-dirs", "no-relative", "no-r", "stats", "new-compress", "old-compress", "log-format"],
]);

/** Throws Refusal where the client wants to write, or what would change the protocol in a way not spoken here. */
export function parseArguments(args: readonly string[], { protocol }: { protocol: number }): SenderRequest {
  const dot = args.indexOf(".");
  const options = dot < 0 ? args : args.slice(0, dot);
  if (!options.includes("--sender")) {
    throw new Refusal("ERROR: module is read only", EXIT.syntax);
  }
  let letters = "", checksumSeed = 0, numericIds = false;
  for (let i = 0; i < options.length; i++) {
    const option = options[i] as string;
    const [, name = "", value = ""] = /^--([^=]+)(?:=(.*))?$/.exec(option) ?? [];
    if (name === "server" || name === "sender") continue;
    // the block size comes as -B700
    if (/^-[a-zA-Z]/.test(option)) letters += option.startsWith("-B") ? "" : lettersOf(option);
    else if (name === "checksum-seed" && /^-?\d{1,10}$/.test(value)) checksumSeed = Number(value) | 0;
    else if (name === "checksum-choice" && /^(auto|md5)$/.test(value) && protocol >= 30) continue;
    else if (name === "compress-choice" && /^zlibx?$/.test(value)) letters += "z";
    else if (name === "backup-dir" && value === "") i++;
    else if (name === "numeric-ids") numericIds = true;
    else if (name === "new-compress" || name === "old-compress") letters += "z";
    else if (!HARMLESS.has(name)) throw unsupported(option);
  }
  const has = (letter: string) => letters.includes(letter);
  for (const letter of letters) {
    // before protocol 28 hard links add fields to every entry
    const understood = "rdogczns".includes(letter) || HARMLESS_LETTERS.includes(letter) ||
      (letter === "H" && protocol >= 28);
    if (!understood) throw unsupported(`-${letter}`);
  }
  return {
    paths: dot < 0 ? [] : args.slice(dot + 1),
    recurse: has("r"),
    directories: has("d"),
    owners: has("o"),
    groups: has("g"),
    numericIds,
    sums: has("c"),
    compress: has("z"),
    dryRun: has("n"),
    secluded: has("s"),
    checksumSeed,
  };
}

/** Of "-vlogDtpre.iLsfxCIvu" the letters before `e`, behind which the client says what it is able to do. */
function lettersOf(option: string): string {
  return option.slice(1).replace(/e.*$/, "");
}

function unsupported(option: string): Refusal {
  return new Refusal(`ERROR: the option ${quoted(option)} is not served here`, EXIT.unsupported);
}
