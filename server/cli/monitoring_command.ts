/** `rackseed monitoring`: the files for Prometheus and Grafana, for redirection into a file. */
import type { Command } from "@commander-js/extra-typings";
import { afterOptions } from "./help_text.ts";

const FILES = [
  ["alerts", "Print alert rules for Prometheus."],
  ["dashboard", "Print a dashboard for Grafana, as JSON to import."],
  ["scrape", "Print the part of the Prometheus configuration that reads the metrics."],
] as const;

export function addMonitoring(program: Command<[], Record<PropertyKey, never>>): void {
  const monitoring = program.command("monitoring")
    .description("Print what Prometheus and Grafana need to watch the server.")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The server serves its metrics at https://SERVER:8443/metrics, for the token in
the file metrics-token of its data directory or for the admin token, and without
a token if it was started with --metrics-open. /healthz and /readyz need none.`,
        examples: ["rackseed monitoring alerts", "rackseed monitoring dashboard | less"],
      }),
    );
  for (const [name, description] of FILES) {
    monitoring.command(name)
      .description(description)
      .addHelpText("after", afterOptions({ examples: [`rackseed monitoring ${name}`] }))
      .action(async () => {
        const { MONITORING_FILES } = await import("../metrics/monitoring_files.ts");
        const { print } = await import("./terminal.ts");
        print(MONITORING_FILES[name].trimEnd());
      });
  }
}
