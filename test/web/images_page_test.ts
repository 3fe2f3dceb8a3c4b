/** The pages of images, templates and hooks in a real browser. */
import assert from "node:assert/strict";
import { z } from "zod";
import { CaptureOrder, CaptureView, ImageView, NodeView, TemplateId, VersionView } from "#contract/api.ts";
import { HookView } from "#contract/api/hooks.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import type { Browser, Page } from "playwright-core";
import {
  accessibilityFaults,
  chromiumNeeds,
  openBrowser,
  openPage,
  screenshot,
} from "../support/chromium.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

const ANY = z.unknown();

const SOURCE: Source = {
  hostname: "golden",
  distribution: "debian",
  description: "Debian GNU/Linux 12 (bookworm)",
  kernel: "6.1.0-37-amd64",
  kernels: ["6.1.0-37-amd64"],
  architecture: "x86_64",
  firmware: "uefi",
  release: "12",
};

const MKFS = { features: [] };
const LAYOUT: DiskLayout = {
  disks: [{
    name: "nvme0n1",
    sizeBytes: 512e9,
    sectorBytes: 512,
    table: "gpt",
    partitions: [
      { number: 1, startSector: 2048, sectors: 1 << 20, type: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" },
      { number: 2, startSector: 2 << 20, sectors: 900e6, type: "0FC63DAF-8483-4772-8E79-3D69D8477DE4" },
      { number: 3, startSector: 910e6, sectors: 32e6, type: "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F" },
    ],
  }],
  fileSystems: [
    {
      volume: { kind: "partition", disk: 0, number: 2 },
      type: "ext4",
      mountPoint: "/",
      mountOptions: "rw",
      sizeBytes: 460e9,
      usedBytes: 61e9,
      mkfs: MKFS,
    },
    {
      volume: { kind: "partition", disk: 0, number: 1 },
      type: "vfat",
      mountPoint: "/boot/efi",
      mountOptions: "rw",
      sizeBytes: 536e6,
      usedBytes: 6e6,
      mkfs: MKFS,
    },
  ],
  swap: [{ volume: { kind: "partition", disk: 0, number: 3 } }],
};

Deno.test({
  name: "images are tagged, noted, verified, pruned and deleted, a template is captured, and hooks are kept",
  ...needs(chromiumNeeds),
  // the browser driver keeps handles open
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    await using test = await ServerUnderTest.start();
    await prepare(test);
    const browser = await openBrowser();
    try {
      await walkThrough(t, { test, browser });
    } finally {
      await browser.close();
    }
  },
});

/** Four versions of web; n1 to n3 have the third, n4 is armed with the fourth. */
async function prepare(test: ServerUnderTest): Promise<void> {
  const { client, folder } = test, root = `${folder}/tree`;
  await Deno.mkdir(`${root}/etc`, { recursive: true });
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
  await Deno.writeFile(`${root}/shared`, random(60_000));
  for (let version = 1; version <= 4; version++) {
    await Deno.writeFile(`${root}/own${version}`, random(8_000 * version));
    await test.publish("web", { root, layout: LAYOUT, source: SOURCE });
  }
  await test.publish("db", { root: `${root}/etc` });
  const nodes = ["n1", "n2", "n3"];
  for (const name of [...nodes, "n4"]) await client.put(`/nodes/${name}`, { body: {}, schema: NodeView });
  for (const token of await test.deploy(nodes, { image: "web@3" })) {
    const { agent } = await test.enrol(token);
    await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
    agent[Symbol.dispose]();
  }
  await test.deploy(["n4"], { image: "web@4" });
}

interface Scene {
  readonly test: ServerUnderTest;
  readonly browser: Browser;
}

async function walkThrough(t: Deno.TestContext, { test, browser }: Scene): Promise<void> {
  const { client } = test;
  const { page, complaints } = await openPage(browser);
  await page.goto(test.server.setup ?? assert.fail("no set-up link"));
  await page.getByLabel("New password").fill("correct horse battery");
  await page.getByLabel("Once more").fill("correct horse battery");
  await page.getByRole("button", { name: "Choose this password" }).click();
  await page.getByText("live", { exact: true }).waitFor();
  const dialog = (name: string | RegExp) => page.getByRole("dialog", { name });
  const versions = async () =>
    (await client.get("/images?image=web", z.array(ImageView))).map(({ version }) => version);
  const go = async (path: string, heading: string) => {
    await page.goto(`${test.server.urls.server}${path}`);
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
  };
  const menu = async (ref: string, item: string) => {
    await page.getByLabel(`Actions for ${ref}`).click();
    await page.getByRole("button", { name: item }).filter({ visible: true }).click();
  };

  await t.step("the list shows lineages, sizes and who has which version", async () => {
    await page.getByRole("link", { name: "Images", exact: true }).click();
    await page.getByRole("link", { name: "web@4" }).waitFor();
    await page.getByRole("link", { name: "3 nodes" }).waitFor();
    assert.match(await page.locator(".card", { hasText: "web@4" }).textContent() ?? "", /4 versions/);
  });

  await t.step("a version is tagged and noted, and the tag opens it", async () => {
    await go("/images/web", "web");
    await menu("web@3", "Tag…");
    await dialog("Tag web@3").getByLabel("Tag", { exact: true }).fill("stable");
    assert.deepEqual(await accessibilityFaults(page), []);
    await dialog("Tag web@3").getByRole("button", { name: "Set the tag" }).click();
    await page.locator(".tag", { hasText: "stable" }).waitFor();
    await menu("web@3", "Note…");
    await dialog("Note on web@3").getByRole("textbox").fill("before the PHP upgrade");
    await dialog("Note on web@3").getByRole("button", { name: "Save" }).click();
    await page.getByText("before the PHP upgrade").waitFor();
    await go("/images/web@stable", "web@3");
    assert.equal((await client.get("/images/web@stable", VersionView)).note, "before the PHP upgrade");
    await look(page, "version");
  });

  await t.step("a version is verified, with its result", async () => {
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText(/web@3 is sound/).waitFor();
  });

  await t.step("a version that others need is not deleted, and the dialog says who they are", async () => {
    await page.getByRole("button", { name: "Delete…" }).click();
    await dialog("Delete web@3").getByText("n[1-3]").waitFor();
    await dialog("Delete web@3").getByText("stable").waitFor();
    assert.equal(await dialog("Delete web@3").getByRole("button", { name: "Delete" }).count(), 0);
    assert.deepEqual(await accessibilityFaults(page), []);
    await look(page, "delete", { isFullPage: false });
    await dialog("Delete web@3").getByRole("button", { name: /Close/ }).click();
  });

  await t.step("old versions are pruned after a look at which", async () => {
    await go("/images/web", "web");
    await look(page, "image");
    await menu("web@2", "Delete…");
    await dialog("Delete web@2").getByRole("button", { name: "Delete", exact: true }).click();
    await waitFor("web@2 to be gone", async () => !(await versions()).includes(2) || undefined);
    await go("/images", "Images");
    await page.getByRole("button", { name: "Delete old versions…" }).click();
    const prune = dialog("Delete old versions");
    await prune.getByLabel(/Keep the newest/).fill("1");
    await prune.getByText(/1 version would be deleted/).waitFor();
    await prune.getByText(/kept: installed on n1, n2, n3/).waitFor();
    assert.deepEqual(await accessibilityFaults(page), []);
    await look(page, "prune", { isFullPage: false });
    await prune.getByRole("button", { name: "Delete 1 version" }).click();
    await waitFor("web@1 to be gone", async () => (await versions()).join() === "3,4" || undefined);
    await look(page, "images");
  });

  await t.step("settings of an image are shown and saved", async () => {
    await go("/images/web", "web");
    await page.getByLabel(/Paths that restores leave alone/).fill("/srv\n/var/lib/mysql");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("The settings are saved.").waitFor();
    const settings = await client.get("/images/web/settings", z.object({ keep: z.array(z.string()) }));
    assert.deepEqual(settings.keep, ["/srv", "/var/lib/mysql"]);
  });

  await t.step(
    "a template is captured with level and excludes, shows its progress, and is cancelled",
    async () => {
      const announce = {
        name: "golden",
        lacks: ["xfsprogs is missing: apt install xfsprogs"],
        source: SOURCE,
        layout: LAYOUT,
      };
      const { id } = await client.post("/templates", { body: announce, schema: TemplateId });
      const ordered = client.get(`/templates/${id}/orders`, CaptureOrder);
      await page.getByRole("link", { name: "Templates" }).click();
      await page.getByRole("button", { name: "Capture golden" }).click();
      const capture = dialog("Capture golden");
      await capture.getByLabel("Image").fill("web");
      await capture.getByText(/becomes web@5/).waitFor();
      await capture.getByLabel("Compression").fill("3");
      await capture.getByLabel(/Leave out/).fill("/srv/scratch\n*.iso");
      await capture.getByLabel(/all the same/).check();
      assert.deepEqual(await accessibilityFaults(page), []);
      await look(page, "capture-dialog", { isFullPage: false });
      await capture.getByRole("button", { name: "Start the capture" }).click();
      const order = await ordered;
      assert.deepEqual([order.image, order.level, order.force], ["web", 3, true]);
      assert.deepEqual(order.excludes, ["/srv/scratch", "*.iso"]);
      for (const bytesDone of [1e9, 3e9]) {
        const json = {
          phase: "reading",
          filesDone: 10,
          filesTotal: 90,
          bytesDone,
          bytesTotal: 9e9,
          bytesSent: 5e8,
        };
        await client.send("POST", `/captures/${order.capture}/progress`, { json });
        await new Promise((done) => setTimeout(done, 700));
      }
      await page.getByText(/3.00 GB of 9.00 GB · .*\/s · .* left/).waitFor();
      await look(page, "templates");
      await page.getByRole("button", { name: "Cancel the capture: web" }).click();
      await waitFor(
        "the capture to be cancelled",
        async () =>
          (await client.get(`/captures/${order.capture}`, CaptureView)).state === "cancelled" || undefined,
      );
    },
  );

  await t.step("hooks are added, edited and deleted", async () => {
    await page.getByRole("link", { name: "Hooks" }).click();
    await page.getByRole("button", { name: "Add a hook…" }).click();
    const add = dialog("Add a hook");
    await add.getByLabel("Name", { exact: true }).fill("fix-grub");
    await add.getByLabel("Runs for").selectOption("image");
    await add.getByLabel("Its name").fill("web");
    await add.getByLabel("Script").fill("set -eu\necho done\n");
    assert.deepEqual(await accessibilityFaults(page), []);
    await look(page, "hook-dialog", { isFullPage: false });
    await add.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "image web" }).waitFor();
    const hook = () => client.get("/hooks/image:web/post-install/fix-grub", HookView);
    assert.equal((await hook()).script, "set -eu\necho done\n");
    await page.getByRole("button", { name: "Edit fix-grub" }).click();
    await dialog("Hook fix-grub").getByLabel(/go on all the same/).check();
    await dialog("Hook fix-grub").getByRole("button", { name: "Save" }).click();
    await page.getByText("goes on after a failure").waitFor();
    assert.equal((await hook()).optional, true);
    await look(page, "hooks");
    await page.getByRole("button", { name: "Delete fix-grub" }).click();
    await dialog(/Delete the hook/).getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("No hooks yet.").waitFor();
    assert.deepEqual(await client.get("/hooks", z.array(ANY)), []);
  });

  assert.deepEqual(complaints, []);
}

/** With RACKSEED_SCREENSHOTS, each width has both colours. */
const LOOKS = Deno.env.has("RACKSEED_SCREENSHOTS")
  ? [390, 1920].flatMap((width) => [[width, "light"], [width, "dark"]] as const)
  : [[390, "dark"], [1920, "light"]] as const;

/** Checks the page in both sizes and colours, and takes its picture. */
async function look(page: Page, name: string, { isFullPage = true } = {}): Promise<void> {
  for (const [width, colorScheme] of LOOKS) {
    await page.setViewportSize({ width, height: width === 390 ? 844 : 1080 });
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await accessibilityFaults(page), [], `${name} at ${width}, ${colorScheme}`);
    const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
    assert.ok(overflow <= 0, `${name} at ${width} is ${overflow} px too wide`);
    await screenshot(page, `${name}-${width}-${colorScheme}`, { fullPage: isFullPage });
  }
  await page.setViewportSize({ width: 1200, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}
