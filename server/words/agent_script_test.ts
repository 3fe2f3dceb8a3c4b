import assert from "node:assert/strict";
import { isCarried, OWN_FILES } from "#contract/own_files/table.ts";
import { agentScript } from "./agent_script.ts";

Deno.test("a clone of a machine with an agent does not get its token, and does not start without one", () => {
  const script = agentScript({ node: "n1", token: "secret", server: "https://10.0.0.1:8443" });
  const [, path] = /^cat > (\S+) <<'END'\n(?:[^\n]*\n)*?RACKSEED_TOKEN=secret$/m.exec(script) ?? [];
  const row = OWN_FILES.find(({ paths }) => path !== undefined && paths.includes(path));
  assert.equal(row?.clone, "removed");
  assert.ok(isCarried(row), "identity keep brings it back to the node itself");
  assert.ok(script.includes(`\nConditionPathExists=${path}\n`));
});
