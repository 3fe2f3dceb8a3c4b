import { configure, getStreamSink, getTextFormatter } from "@logtape/logtape";
import { LogLimit } from "./log_limit.ts";
import { visibleLine } from "./visible_text.ts";

interface LogSettings {
  /** Log debug events, and every repeat of an event. */
  verbose: boolean;
}

/** Logs to standard error: one line per event, with its properties. The settings returned may be changed later. */
export async function configureLogs({ verbose }: LogSettings): Promise<LogSettings> {
  const settings = { verbose };
  const format = getTextFormatter({
    timestamp: "rfc3339",
    format: ({ timestamp, level, category, message, record }) => {
      const properties = Object.entries(record.properties).filter(([, value]) => value !== undefined);
      const suffix = properties.map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join("");
      return visibleLine(`${timestamp} ${level} ${category} ${message}${suffix}`);
    },
  });
  const stderr = getStreamSink(Deno.stderr.writable, { formatter: format });
  const limit = new LogLimit();
  await configure({
    sinks: {
      stderr: (record) => {
        if (record.level === "debug" && !settings.verbose) return;
        const dropped = settings.verbose ? 0 : limit.pass(record);
        if (dropped === undefined) return;
        const properties = dropped === 0
          ? record.properties
          : { ...record.properties, "more-of-these-left-out": dropped };
        stderr({ ...record, properties });
      },
    },
    loggers: [
      { category: ["rackseed"], sinks: ["stderr"], lowestLevel: "debug" },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
  return settings;
}
