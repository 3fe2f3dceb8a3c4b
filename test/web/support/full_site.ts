/** A site that has something to show on every page. */
import { z } from "zod";
import { DeploymentSummary, VersionView } from "#contract/api.ts";
import { UserAnswer } from "#contract/api/access.ts";
import { SampleSite } from "../../docs/support/sample_site.ts";
import { MadeRelay } from "../../flows/support/made_relay.ts";
import { putRehearsals } from "./rehearsals.ts";

const ANY = z.unknown();

/** The sample site, with a second version and the rest that the desk has pages for. */
export class FullSite extends SampleSite {
  /** The address of the page on which a new user chooses a password. */
  setup = "";

  /** Id of the deployment that is under way. */
  async deployment(): Promise<string> {
    const all = await this.test.client.get("/deployments", z.array(DeploymentSummary));
    return all.find(({ nodes }) => (nodes.installing ?? 0) > 0)?.id ?? "";
  }

  protected override async fill(): Promise<void> {
    await super.fill();
    const { test } = this, root = `${test.folder}/tree`;
    await Deno.writeTextFile(`${root}/etc/motd`, "Welcome.\n");
    await Deno.writeTextFile(`${root}/etc/hostname`, "golden\n");
    const { id } = await test.client.get("/images/web@1", VersionView);
    // which ends the sample's capture
    await test.restart(() => putRehearsals(test.data, id));
    await test.publish("web", { root });
    const { client } = test;
    const put = (path: string, body: object) => client.put(path, { body, schema: ANY });
    await put("/images/web/tags/stable", { version: 1 });
    await put("/hooks/all/post-install/motd", { script: "#!/bin/sh\necho installed > /etc/motd\n" });
    await put("/webhooks/chat", {
      url: new URL("/nobody", test.server.urls.http).href,
      events: ["node.failed"],
    });
    const schedule = { name: "nightly", nodes: ["@compute"], cron: "@daily", order: { work: "check" } };
    await client.post("/schedules", { body: schedule, schema: ANY });
    const { token } = await client.call("POST /sites", { body: { name: "paris" } });
    await client.call("PUT /sites/:site/images/:ref", { site: "paris", ref: "web@1" });
    using relay = await MadeRelay.enrol({ server: test.server.urls.server, token });
    await relay.report();
    const ann = { name: "ann", role: "operator", groups: ["compute"] };
    this.setup = (await client.post("/users", { body: ann, schema: UserAnswer })).setup?.path ?? "";
    for (const end of ["01", "02"]) {
      await (await fetch(`${test.server.urls.http}/boot/ipxe/bc-24-11-00-00-${end}`)).body?.cancel();
    }
  }
}
