/** Who and what takes part when a node's life is lived by the pages. */
import { type LabDesk, MACHINE_MS, type Person } from "./lab_desk.ts";
import type { ProductServer } from "./product_server.ts";
import type { NodeFacts, Workplace } from "./workplace.ts";

export interface Story {
  readonly lab: Workplace;
  readonly server: ProductServer;
  readonly desk: LabDesk;
  readonly admin: Person;
  readonly otto: Person;
  readonly node: NodeFacts;
}

/** Waits until the node's own page says so. */
export async function seesRunning({ page }: Person, { name }: NodeFacts): Promise<void> {
  if (new URL(page.url()).pathname !== `/nodes/${name}`) throw new Error(`nobody looks at ${name}`);
  await page.locator(".node-head").getByText("running", { exact: false }).first()
    .waitFor({ timeout: MACHINE_MS });
}

/** Each element's text, on one line. */
export async function flatTexts({ page }: Person, selector: string): Promise<string[]> {
  return (await page.locator(selector).allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " ").trim());
}
