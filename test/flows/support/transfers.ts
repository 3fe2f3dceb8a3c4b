/** Pushes and pulls, waited for. */
import assert from "node:assert/strict";
import { TransferView } from "#contract/api/transfers.ts";
import type { ApiClient } from "#contract/client.ts";
import { waitFor } from "../../support/wait_for.ts";

/** The transfer, once it has ended. */
export async function transferEnd(client: ApiClient, { id }: TransferView): Promise<TransferView> {
  return await waitFor("the transfer to end", async () => {
    const view = await client.get(`/transfers/${id}`, TransferView);
    return view.state === "running" ? undefined : view;
  }, { timeoutMs: 240_000, everyMs: 50 });
}

/** Pushes a version; throws unless that works. */
export async function pushed(client: ApiClient, ref: string, to: string): Promise<TransferView> {
  const begun = await client.post(`/images/${ref}/push`, { body: { to }, schema: TransferView });
  const view = await transferEnd(client, begun);
  assert.equal(view.state, "done", view.problem?.detail);
  return view;
}
