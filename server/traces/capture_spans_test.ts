import assert from "node:assert/strict";
import type { CaptureView } from "#contract/api.ts";
import { CaptureSpans } from "./capture_spans.ts";
import type { WorkSpan } from "./work_span.ts";

const STARTED = Date.parse("2026-06-30T12:00:00Z");
const VIEW: CaptureView = {
  id: "c1",
  image: "web",
  state: "receiving",
  started: new Date(STARTED).toISOString(),
  notes: [],
};

Deno.test("a capture is sent once, with its two parts, or whole if it failed before", () => {
  const sent: WorkSpan[] = [], clock = { ms: STARTED };
  const spans = new CaptureSpans({ emit: (span) => void sent.push(span), now: () => clock.ms });
  const show = (change: Partial<CaptureView>) =>
    spans.observe({ type: "capture", capture: { ...VIEW, ...change } });
  const seconds = () =>
    sent.splice(0).map((
      { path, startMs, endMs },
    ) => [path.join(" "), (startMs - STARTED) / 1000, (endMs - STARTED) / 1000]);
  show({});
  clock.ms += 20_000;
  show({ state: "publishing" });
  clock.ms += 10_000;
  show({ state: "publishing", activity: "verifying frames" });
  const finished = new Date(clock.ms).toISOString();
  for (let i = 0; i < 2; i++) show({ state: "published", finished, version: 1 });
  assert.deepEqual(seconds(), [["c1 receive", 0, 20], ["c1 publish", 20, 30], ["c1", 0, 30]]);

  const problem = { title: "cannot read /dev/vda", status: 500, detail: "no.", remedy: "try again." };
  show({ id: "c2" });
  show({ id: "c2", state: "failed", problem });
  assert.equal(sent[0]?.problem, problem.title);
  assert.deepEqual(seconds(), [["c2", 0, 30]]);
});
