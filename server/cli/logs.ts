import { configure, getStreamSink, getTextFormatter } from "@logtape/logtape";
import { LogLimit } from "./log_limit.ts";
import { visibleLine } from "./visible_text.ts";

/** Logs to standard error: one line per event, with its properties. */
export async function configureLogs({ verbose }: { verbose: boolean }): Promise<void> {
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
        const dropped = verbose ? 0 : limit.pass(record);
        if (dropped === undefined) return;
        const properties = dropped === 0
          ? record.properties
          : { ...record.properties, "more-of-these-left-out": dropped };
        stderr({ ...record, properties });
      },
    },
    loggers: [
      { category: ["rackseed"], sinks: ["stderr"], lowestLevel: verbose ? "debug" : "info" },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
}
