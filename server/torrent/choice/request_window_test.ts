import assert from "node:assert/strict";
import { RequestBudget, RequestWindow } from "./request_window.ts";

const MIB = 1024 * 1024;
const block = (piece: number, length: number) => ({ piece, begin: 0, length });

function windows(count: number, budget: RequestBudget): RequestWindow[] {
  return Array.from({ length: count }, () => new RequestWindow({ own: true, maxRequests: 512, budget }));
}

Deno.test("a large swarm has a quarter of a second's bytes in flight, and at least 3 MiB", () => {
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
  assert.ok(other!.hasRoom, "cleared requests leave the budget");
});

Deno.test("requests to slow peers, dealers and stock clients do not use up the budget", () => {
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
  assert.ok(!other!.hasRoom, "it is no longer slow");
  assert.ok(slow!.delete(block(0, 3 * MIB)));
  assert.ok(other!.hasRoom);
});
