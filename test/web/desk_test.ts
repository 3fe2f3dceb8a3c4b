/** The desk in a real browser: overview, nodes as table and racks, new machines, settings, languages, the connection. */
import assert from "node:assert/strict";
import { NodeView } from "#contract/api.ts";
import { SwarmSettings } from "#contract/api/distribution.ts";
import { accessibilityFaults, chromiumNeeds, screenshot } from "../support/chromium.ts";
import { DeskSite } from "../support/desk_site.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";

const NODES = 500;

Deno.test({
  name: "an operator sees what is wrong among 500 nodes, finds nodes, and acts on many at once",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using site = await DeskSite.open();
    await walkThrough(t, site);
  },
});

async function walkThrough(t: Deno.TestContext, site: DeskSite): Promise<void> {
  const { page, client } = site;
  const names = Array.from({ length: NODES }, (_, i) => `n${i + 1}`);

  await t.step("nodes appear without a reload, counted by state", async () => {
    await page.getByText("Nothing is wrong.").waitFor();
    await site.addNodes(
      names,
      (i) => ({ group: i % 2 ? "compute" : "gpu", rack: `r${Math.floor(i / 32) + 1}` }),
    );
    await page.getByRole("link", { name: /500.*idle/ }).waitFor();
    assert.equal(await page.title(), "Overview · Rackseed");
  });

  await t.step("a failed node among 500 is found with its cause and remedy by one click", async () => {
    await site.capture({ root: new URL("../../server/words", import.meta.url).pathname, image: "web" });
    using agent = await site.deploy("n317");
    await page.getByRole("link", { name: /Deployment: web@1/ }).waitFor();
    await agent.report({
      step: "format",
      state: "failed",
      elapsedMs: 5,
      problem: {
        title: "cannot format sda",
        status: 500,
        detail: "it is read-only.",
        remedy: "replace the disk.",
      },
    });
    await page.getByText("1 node: format: cannot format sda").waitFor();
    await page.getByText("it is read-only.").waitFor();
    await page.getByText("What to do: replace the disk.").waitFor();
    await waitFor("the title", async () => (await page.title()).startsWith("1 failed · "));
    await screenshot(page, "desk-overview");
    await page.getByRole("link", { name: "n317" }).click();
    assert.equal(new URL(page.url()).pathname, "/nodes/n317");
  });

  await t.step("progress is live, with rate and time left", async () => {
    await site.go("/nodes?q=n42");
    using agent = await site.deploy("n42");
    const progress = { bytesDone: 40e6, bytesTotal: 100e6, peers: 3, bytesPerSecond: 12e6 };
    await agent.report({ step: "install", state: "running", elapsedMs: 4000, progress });
    const row = page.getByRole("row", { name: /n42\b/ });
    await row.getByText("install, 12.0 MB/s, 5 s left").waitFor();
    assert.equal(await row.getByRole("progressbar").getAttribute("value"), "40000000");
    await client.send("POST", "/nodes/n42/cancel");
    await row.getByText("aborted").waitFor();
  });

  await t.step("the search stands in the address, takes fields, and says what it does not know", async () => {
    await page.getByRole("link", { name: "Nodes", exact: true }).click();
    await page.getByRole("searchbox").fill("state:failed");
    await page.getByText("1 of 500").waitFor();
    await page.waitForURL("**/nodes?q=state%3Afailed");
    await page.reload();
    await page.getByText("1 of 500").waitFor();
    await page.getByRole("searchbox").fill("group:gpu -state:failed,aborted rack:=r1 colour:red");
    await page.getByText("16 of 500").waitFor();
    await page.getByText("“colour:red”: there is no such field").waitFor();
  });

  await t.step("nodes are selected one by one, as a range with Shift, and all that are shown", async () => {
    await page.getByRole("searchbox").fill("rack:=r2");
    await page.getByRole("checkbox", { name: "Select n35", exact: true }).click();
    await page.getByRole("checkbox", { name: "Select n40", exact: true }).click({ modifiers: ["Shift"] });
    await page.getByText("6 nodes selected").waitFor();
    await page.getByRole("checkbox", { name: "Select all that are shown" }).click();
    await page.getByText("32 nodes selected").waitFor();
    await page.getByRole("button", { name: "Deploy…" }).click();
    assert.equal(new URL(page.url()).searchParams.get("nodes"), "n[33-64]");
    await page.goBack();
    await page.getByRole("button", { name: "Clear the selection" }).click();
  });

  await t.step("only the rows in the window are drawn, however many nodes there are", async () => {
    await page.getByRole("searchbox").fill("");
    await page.getByText("500 of 500").waitFor();
    assert.ok(await page.locator("table.nodes tbody tr").count() < 80);
    await page.evaluate("scrollTo(0, document.body.scrollHeight)");
    await page.getByRole("link", { name: "n500", exact: true }).waitFor();
  });

  await t.step("everything is reached by the keyboard", async () => {
    await page.evaluate("scrollTo(0, 0), document.activeElement.blur()");
    await page.keyboard.press("/");
    await page.keyboard.type("rack:=r3");
    await page.getByText("32 of 500").waitFor();
    assert.equal(await page.getByRole("searchbox").inputValue(), "rack:=r3");
    await page.evaluate("document.activeElement.blur()");
    for (const key of ["j", "j", "x"]) await page.keyboard.press(key);
    assert.ok(await page.getByRole("checkbox", { name: "Select n66", exact: true }).isChecked());
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Next node").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("o");
    await page.waitForURL(/\/nodes\/n66$/);
  });

  await t.step("the racks show a square for each node, told apart by more than its colour", async () => {
    await site.go("/nodes?as=racks");
    await page.getByRole("link", { name: "n317: failed" }).waitFor();
    assert.equal(await page.locator(".square").count(), NODES);
    assert.equal(await page.getByRole("list", { name: /r10: 32 nodes, 1 wrong/ }).count(), 1);
    await screenshot(page, "desk-racks");
  });

  await t.step("a view is saved, and found again", async () => {
    await site.go("/nodes?q=state%3Afailed&by=rack");
    await page.getByText("Saved views").click();
    await page.getByLabel("Name of the view").fill("broken");
    await page.getByRole("button", { name: "Save this view" }).click();
    await site.go("/nodes");
    await page.getByText("Saved views").click();
    await page.getByRole("link", { name: "broken" }).click();
    await page.getByText("1 of 500").waitFor();
  });

  await t.step("new machines appear, and are adopted together under a range of names", async () => {
    await page.getByRole("link", { name: "New machines" }).click();
    for (const end of ["01", "02"]) {
      await (await fetch(`${site.server.urls.http}/boot/ipxe/bc-24-11-00-00-${end}`)).body?.cancel();
    }
    await page.getByText("bc:24:11:00:00:02").waitFor();
    await page.getByRole("checkbox", { name: "Select all" }).click();
    await page.getByRole("button", { name: "Adopt 2 machines…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/Names/).fill("node[1-3]");
    await dialog.getByRole("button", { name: "Adopt 2 machines" }).click();
    await dialog.getByText("These are 3 names for 2 machines.").waitFor();
    await dialog.getByLabel(/Names/).fill("node[001-002]");
    await dialog.getByRole("button", { name: "Adopt 2 machines" }).click();
    await page.getByText("node[001-002] are nodes now.").waitFor();
    assert.equal((await client.get("/nodes/node001", NodeView)).settings.mac, "bc:24:11:00:00:01");
    await page.getByText("None. Let a machine boot from the network").waitFor();
  });

  await t.step(
    "a change of the swarm's settings shows at another desk at once; a wrong one says what is right",
    async () => {
      await page.getByRole("link", { name: "Settings" }).click();
      const other = await page.context().newPage();
      await other.goto(`${site.server.urls.server}/settings`);
      await other.getByLabel(/Upload limit of the server/).waitFor();
      await page.getByLabel(/Upload limit of the server/).fill("fast");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText(/A rate is a number with bits or bytes/).waitFor();
      await page.getByLabel(/Upload limit of the server/).fill("800mbit");
      await page.getByRole("button", { name: "Save" }).click();
      await other.locator("input[name=uploadLimit][value='800mbit']").waitFor();
      assert.equal((await client.get("/swarm", SwarmSettings)).uploadLimit, 100e6);
      await other.close();
    },
  );

  await t.step("German and Chinese", async () => {
    await page.getByLabel("Language").selectOption("de");
    await page.getByRole("heading", { name: "Einstellungen" }).waitFor();
    assert.equal(await page.evaluate("document.documentElement.lang"), "de");
    await page.getByLabel("Sprache").selectOption("zh");
    await page.getByRole("heading", { name: "设置" }).waitFor();
    await page.getByLabel("语言").selectOption("en");
  });

  await t.step("axe finds nothing, at any width, light and dark", async () => {
    const found: string[] = [];
    for (const path of ["/", "/nodes?q=n3&by=rack", "/nodes?as=racks&q=rack:r1", "/machines", "/settings"]) {
      await site.go(path);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        for (const width of [390, 768, 1920]) {
          await page.setViewportSize({ width, height: 900 });
          found.push(
            ...(await accessibilityFaults(page)).map((fault) => `${path} ${colorScheme} ${width}: ${fault}`),
          );
          const scrollWidth = await page.evaluate<number>("document.documentElement.scrollWidth");
          if (scrollWidth > width) found.push(`${path} is ${scrollWidth} px wide at ${width}`);
          await screenshot(page, `desk${path.replace(/\W+/g, "-")}-${colorScheme}-${width}`);
        }
      }
    }
    assert.deepEqual(found, []);
  });

  await t.step("a lost connection is unmistakable, and comes back by itself", async () => {
    await page.setViewportSize({ width: 1200, height: 900 });
    await page.route("**/page/events", (route) => route.abort());
    await page.reload();
    await page.getByText("No connection to the server").waitFor();
    await page.unroute("**/page/events");
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByText("No connection to the server").waitFor({ state: "detached" });
  });

  await t.step("the browser logs no errors of the page", () => {
    const expected = /status of (401|404|409)|ERR_FAILED/;
    assert.deepEqual(site.complaints.filter((text) => !expected.test(text)), []);
  });
}
