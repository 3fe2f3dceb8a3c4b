/** What Prometheus' own checker says of the metrics, the alert rules, the scrape configuration and the dashboard. */
import assert from "node:assert/strict";
import { MONITORING_FILES } from "../../server/metrics/monitoring_files.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { needs } from "../support/needs.ts";

const NEEDS = needs({ programs: ["promtool"] });
const DATA = new URL("../../server/metrics/data/", import.meta.url).pathname;

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

async function promtool(args: string[], input = ""): Promise<void> {
  const child = new Deno.Command("promtool", { args, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, `promtool ${args.join(" ")}: ${said}`);
}

async function scrape(test: ServerUnderTest): Promise<string> {
  const caCerts = [await Deno.readTextFile(`${test.data}/tls/ca.pem`)];
  using client = Deno.createHttpClient({ caCerts });
  const token = (await Deno.readTextFile(`${test.data}/metrics-token`)).trim();
  const response = await fetch(`${test.server.urls.server}/metrics`, {
    client,
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(response.status, 200);
  return await response.text();
}

/** Every expression of the alert rules and the dashboard. */
function expressions(): string[] {
  const { panels }: Dashboard = JSON.parse(MONITORING_FILES.dashboard);
  const shown = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const rules = MONITORING_FILES.alerts.split("\n").filter((line) =>
    !/^\s*(#|summary|description)/.test(line)
  );
  return [...shown, rules.join("\n")];
}

Deno.test({
  name: "promtool accepts the metrics of a running server, which are all that rules and dashboard ask for",
  ...NEEDS,
  async fn() {
    await using test = await ServerUnderTest.start();
    const text = await scrape(test);
    await promtool(["check", "metrics"], text);
    const served = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string));
    const asked = expressions().flatMap((e) => e.match(/\b(rackseed|process)_\w+/g) ?? []);
    const unknown = asked.map((name) => name.replace(/_bucket$/, "")).filter((name) => !served.has(name));
    assert.ok(asked.length > 30, `${asked.length} names`);
    assert.deepEqual(unknown, []);
  },
});

Deno.test({
  name: "promtool accepts the alert rules, and each fires when it should",
  ...NEEDS,
  async fn() {
    await promtool(["check", "rules", `${DATA}alerts.yaml`]);
    await promtool(["test", "rules", new URL("./promtool/alerts.test.yaml", import.meta.url).pathname]);
  },
});

Deno.test({
  name: "promtool accepts the scrape configuration, and every expression of the dashboard as a rule",
  ...NEEDS,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-promtool-" });
    try {
      for (const name of ["rackseed-metrics-token", "rackseed-ca.pem"]) {
        await Deno.writeTextFile(`${folder}/${name}`, "");
      }
      await Deno.copyFile(`${DATA}alerts.yaml`, `${folder}/rackseed-alerts.yaml`);
      const config = MONITORING_FILES.scrape.replaceAll("/etc/prometheus", folder);
      await Deno.writeTextFile(`${folder}/prometheus.yml`, config);
      await promtool(["check", "config", "--syntax-only", `${folder}/prometheus.yml`]);
      const rules = expressions().slice(0, -1).map((expr, i) => ({
        record: `panel:${i}`,
        expr: expr.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*"),
      }));
      // JSON is YAML
      await Deno.writeTextFile(
        `${folder}/panels.yaml`,
        JSON.stringify({ groups: [{ name: "panels", rules }] }),
      );
      await promtool(["check", "rules", `${folder}/panels.yaml`]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
