import { configure, getStreamSink, getTextFormatter } from "@logtape/logtape";
import { visibleLine } from "./visible_text.ts";

/** Logs to standard error, one line an event with its properties. */
export async function configureLogs({ verbose }: { verbose: boolean }): Promise<void> {
  const format = getTextFormatter({
    timestamp: "rfc3339",
    format: ({ timestamp, level, category, message, record }) => {
      const properties = Object.entries(record.properties).filter(([, value]) => value !== undefined);
      const told = properties.map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join("");
      return visibleLine(`${timestamp} ${level} ${category} ${message}${told}`);
    },
  });
  await configure({
    sinks: { stderr: getStreamSink(Deno.stderr.writable, { formatter: format }) },
    loggers: [
      { category: ["rackseed"], sinks: ["stderr"], lowestLevel: verbose ? "debug" : "info" },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
}
