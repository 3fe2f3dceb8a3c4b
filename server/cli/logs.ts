/** Where the server's log goes and in which form: standard error as text or JSON, or the journal with fields. */
import { configure, getStreamSink, type LogRecord, type Sink } from "@logtape/logtape";
import { openJournal } from "./journal.ts";
import { LogLimit } from "./log_limit.ts";
import { jsonLine, textFormatter } from "./log_line.ts";

const PROBLEMS: ReadonlySet<string> = new Set(["warning", "error", "fatal"]);

interface LogOptions {
  /** Absent: the journal if systemd connected standard error to it, otherwise text. */
  readonly format?: "text" | "json" | "journal" | undefined;
  readonly verbose: boolean;
  /** Called with each warning and error, also with those left out of the log. */
  readonly onProblem?: (problem: { level: string; source: string; event: string }) => void;
}

interface LogSettings {
  /** Log debug events, and every repeat of an event. */
  verbose: boolean;
}

/** The settings returned may be changed later. */
export async function configureLogs(
  { format, verbose, onProblem = () => {} }: LogOptions,
): Promise<LogSettings> {
  const settings = { verbose };
  const write = chooseSink(format);
  const limit = new LogLimit();
  const count = ({ level, category, rawMessage: event }: LogRecord) => {
    if (PROBLEMS.has(level) && typeof event === "string") {
      onProblem({ level, source: category.slice(1).join("."), event });
    }
  };
  await configure({
    sinks: {
      log: (record) => {
        count(record);
        if (record.level === "debug" && !settings.verbose) return;
        const dropped = settings.verbose ? 0 : limit.pass(record);
        if (dropped === undefined) return;
        const properties = dropped === 0
          ? record.properties
          : { ...record.properties, "more-of-these-left-out": dropped };
        write({ ...record, properties });
      },
    },
    loggers: [
      { category: ["rackseed"], sinks: ["log"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: ["log"], lowestLevel: "warning" },
    ],
  });
  return settings;
}

function chooseSink(format: LogOptions["format"]): Sink {
  const formatter = format === "json" ? jsonLine : textFormatter();
  const stderr = getStreamSink(Deno.stderr.writable, { formatter });
  if (format === "text" || format === "json") return stderr;
  return openJournal({ always: format === "journal", otherwise: stderr }) ?? stderr;
}
