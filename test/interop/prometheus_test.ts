/** The real Prometheus, configured with what `rackseed monitoring` prints. */
import assert from "node:assert/strict";
import { z } from "zod";
import { MONITORING_FILES } from "../../server/metrics/monitoring_files.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";

const Query = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});
const Rules = z.object({ data: z.object({ groups: z.array(z.object({ rules: z.array(z.unknown()) })) }) });

Deno.test({
  name: "Prometheus scrapes a server over its own TLS with the metrics token, and loads the alert rules",
  ...needs({ programs: ["prometheus"] }),
  async fn() {
    await using test = await ServerUnderTest.start();
    const folder = `${test.folder}/prometheus`;
    await Deno.mkdir(folder);
    await Deno.copyFile(`${test.data}/metrics-token`, `${folder}/rackseed-metrics-token`);
    await Deno.copyFile(`${test.data}/tls/ca.pem`, `${folder}/rackseed-ca.pem`);
    await Deno.writeTextFile(`${folder}/rackseed-alerts.yaml`, MONITORING_FILES.alerts);
    const config = MONITORING_FILES.scrape.replaceAll("/etc/prometheus", folder)
      .replace("10.0.0.1:8443", new URL(test.server.urls.server).host);
    await Deno.writeTextFile(`${folder}/prometheus.yml`, `global: { scrape_interval: 1s }\n${config}`);
    const url = `http://127.0.0.1:${freePort()}`;
    const prometheus = new Deno.Command("prometheus", {
      args: [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=${new URL(url).host}`,
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const query = async (expression: string) => {
        const at = `${url}/api/v1/query?query=${encodeURIComponent(expression)}`;
        const answer = await fetch(at).then((response) => response.json()).catch(() => undefined);
        return Query.safeParse(answer).data?.data.result[0]?.value[1];
      };
      await waitFor("the first scrape", async () => await query('up{job="rackseed"}') === "1", {
        everyMs: 200,
      });
      assert.equal(await query('rackseed_nodes{state="failed"}'), "0");
      const rules = Rules.parse(await (await fetch(`${url}/api/v1/rules`)).json());
      const written = ["record", "alert"].map((kind) =>
        MONITORING_FILES.alerts.split(`- ${kind}:`).length - 1
      );
      assert.deepEqual(rules.data.groups.map((group) => group.rules.length).sort(), written.sort());
    } finally {
      prometheus.kill();
      await prometheus.status;
    }
  },
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
