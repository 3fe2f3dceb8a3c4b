/** Parses the arguments that a client's rsync sends to the server (server_options in rsync's options.c). */
import { EXIT, quoted, Refusal } from "./refusal.ts";

export interface SenderRequest {
  /** As the client sent them, with the module in front: "torrents/web@1.torrent". */
  readonly paths: readonly string[];
  readonly recurse: boolean;
  readonly directories: boolean;
  readonly owners: boolean;
  readonly groups: boolean;
  readonly numericIds: boolean;
  /** The file list has every file's checksum. */
  readonly sums: boolean;
  readonly compress: boolean;
  readonly dryRun: boolean;
  /** More arguments follow, sent separately to protect them from a shell. */
  readonly secluded: boolean;
  readonly checksumSeed: number;
}

/** Letters that make no difference to a sender of plain files, besides those with a field in SenderRequest. */
const HARMLESS_LETTERS = "vqbulmKOJLkWtDpEIRxSy";
/** Long options that make no difference either, with or without `=VALUE`. */
const HARMLESS = new Set([
  ...["timeout", "bwlimit", "suffix", "compress-level", "skip-compress", "max-alloc", "info", "debug"],
  ...["inplace", "partial", "ignore-errors", "safe-links", "copy-unsafe-links", "use-qsort", "specials"],
  ...["no-specials", "list-only", "msgs2stderr", "no-msgs2stderr", "ignore-missing-args", "open-noatime"],
  ...["no-implied-dirs", "no-relative", "no-r", "stats", "new-compress", "old-compress", "log-format"],
]);

/** Throws Refusal if the client wants to write, or uses an option that changes the protocol beyond our support. */
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
    // before protocol 28, hard links add fields to every entry
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

/** The letters before `e` in "-vlogDtpre.iLsfxCIvu". After `e` the client lists its capabilities. */
function lettersOf(option: string): string {
  return option.slice(1).replace(/e.*$/, "");
}

function unsupported(option: string): Refusal {
  return new Refusal(`ERROR: the option ${quoted(option)} is not supported here`, EXIT.unsupported);
}
