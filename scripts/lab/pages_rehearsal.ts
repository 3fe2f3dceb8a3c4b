/** A version is proved by the page before a machine gets it. */
import { rehearse } from "./pages_steps.ts";
import { flatTexts, type Story } from "./pages_story.ts";

export async function proved({ lab, desk, otto }: Story): Promise<void> {
  await lab.timeline.measure("the version: rehearsed", () => rehearse(desk, otto));
  const { page } = otto;
  const verdict = await page.locator("p.verdict").innerText();
  const console = page.getByRole("region", { name: "Serial console" });
  const passed = await flatTexts(otto, ".probes .well");
  await desk.saw(otto, {
    what: "the version is rehearsed: login prompt, port and application prove it",
    passed: /Proved .* Ordered by otto/.test(verdict) && passed.length === 3 &&
      /login:/.test(await console.innerText()),
    seen: [verdict, ...passed, ...await flatTexts(otto, ".problem")].join(" | "),
  });
}
