import assert from "node:assert/strict";
import { RequestBudget, RequestWindow } from "./request_window.ts";

const MIB = 1024 * 1024;
const block = (piece: number, length: number) => ({ piece, begin: 0, length });

function windows(count: number, budget: RequestBudget): RequestWindow[] {
  return Array.from({ length: count }, () => new RequestWindow({ own: true, maxRequests: 512, budget }));
}

Deno.test("many peers together are asked for as much as a quarter of a second brings, and for 3 MiB at least", () => {
  const budget = new RequestBudget();
  const [one, other] = windows(2, budget);
  one!.add(block(0, 3 * MIB));
  assert.ok(other!.hasRoom, "few peers are not limited");
  budget.pace({ peers: 41, rate: 0 });
  assert.ok(!other!.hasRoom);
  budget.pace({ peers: 41, rate: 20 * MIB });
  assert.ok(other!.hasRoom);
  one!.add(block(1, 2 * MIB));
  assert.ok(!other!.hasRoom);
  one!.clear();
  assert.ok(other!.hasRoom, "what will not come is given back");
});

Deno.test("what slow peers, dealers and stock clients are asked for holds up nobody", () => {
  const budget = new RequestBudget();
  budget.pace({ peers: 100, rate: 0 });
  const [slow, dealer, other] = windows(3, budget);
  slow!.add(block(0, 3 * MIB));
  assert.ok(!other!.hasRoom);
  slow!.pace(1000, 1000);
  assert.ok(other!.hasRoom);
  dealer!.add(block(1, 3 * MIB));
  assert.ok(!other!.hasRoom);
  dealer!.leaveBudget();
  assert.ok(other!.hasRoom);
  new RequestWindow({ own: false, maxRequests: 512, budget }).add(block(2, 4 * MIB));
  assert.ok(other!.hasRoom);
  slow!.pace(1000, 4 * MIB);
  assert.ok(!other!.hasRoom, "it is slow no more");
  assert.ok(slow!.delete(block(0, 3 * MIB)));
  assert.ok(other!.hasRoom);
});
