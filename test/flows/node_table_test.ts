/** Nodes in CSV with the command line: exported, imported, and refused as a whole. */
import assert from "node:assert/strict";
import { Product } from "./support/product.ts";

Deno.test("nodes go to CSV and come back; a bad row is named with its line, and nothing is imported", async () => {
  await using product = await Product.withServer();
  const file = `${product.folder}/nodes.csv`;
  await Deno.writeTextFile(file, "name,mac,address\r\nn1,52:54:00:00:00:01,10.0.0.1/24\r\nn2,,dhcp\r\n");
  assert.match(
    await product.done("node", "import", file, "--dry-run"),
    /2 new and 0 known nodes; nothing was/,
  );
  assert.match(await product.done("node", "list"), /^no nodes yet/);
  assert.match(await product.done("node", "import", file), /imported 2 new/);
  const exported = await product.done("node", "export");
  assert.match(exported, /^name,mac,hostname,.*\r\nn1,52:54:00:00:00:01,,.*10\.0\.0\.1\/24.*\r\nn2,/);
  const fails = async (text: string, code: number, says: RegExp) => {
    await Deno.writeTextFile(file, text);
    const ended = await product.run(["node", "import", file]);
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, says);
    assert.equal(await product.done("node", "export"), exported);
  };
  await fails("name,group\nn3,g\nn4,no blanks please\n", 2, /line 3: group: /);
  // only the server knows that n1 has it
  await fails(
    "name,address\nn5,10.0.0.9/24\nn6,10.0.0.1/24\n",
    1,
    /the node n6 \(line 3\).*10\.0\.0\.1 belongs/,
  );
});
