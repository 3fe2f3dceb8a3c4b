import assert from "node:assert/strict";
import { findCompiler } from "./base_runtime.ts";
import { bundleProduct, rewriteWorkerUrls } from "./bundle.ts";
import { run } from "./command.ts";
import { compileBundle } from "./compile.ts";

const cache = new URL("../../.cache", import.meta.url).pathname;

const project: Record<string, string> = {
  "deno.json": "{}",
  "main.ts": `
    if (Deno.args[0] === "work") {
      const { square } = await import("./server/deep/square.ts");
      console.log(await square(Number(Deno.args[1])), Deno.build.standalone);
    } else console.log("idle");`,
  "server/deep/square.ts": `
    export function square(value: number): Promise<number> {
      const worker = new Worker(new URL("./square_worker.ts", import.meta.url), { type: "module" });
      return new Promise((resolve) => {
        worker.onmessage = (event) => { resolve(event.data); worker.terminate(); };
        worker.postMessage(value);
      });
    }`,
  "server/deep/square_worker.ts": `
    import { product } from "../product.ts";
    self.onmessage = (event: MessageEvent<number>) => {
      (self as unknown as Worker).postMessage(product(event.data, event.data));
    };`,
  "server/product.ts": `export const product = (a: number, b: number): number => a * b;`,
};

Deno.test("a worker starts from source, from the bundle, and from the compiled file alone", async () => {
  await Deno.mkdir(cache, { recursive: true });
  const root = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(project)) {
      await Deno.mkdir(`${root}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}/${name}`, text);
    }
    const arguments_ = ["work", "12"] as const;
    assert.equal(await run([Deno.execPath(), "run", "-A", `${root}/main.ts`, ...arguments_]), "144 false\n");

    const bundle = `${root}/bundle`;
    const workers = await bundleProduct(bundle, { root });
    assert.deepEqual(workers, ["square_worker.js"]);
    assert.equal(
      await run([Deno.execPath(), "run", "-A", `${bundle}/main.js`, ...arguments_]),
      "144 false\n",
    );

    const output = `${root}/alone/program`;
    await Deno.mkdir(`${root}/alone`);
    await compileBundle(bundle, {
      include: workers,
      unstable: [],
      compiler: await findCompiler({ cache }),
      output,
    });
    await Deno.remove(bundle, { recursive: true });
    assert.equal(await run(["env", "-i", output, ...arguments_], { cwd: "/" }), "144 true\n");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a worker's URL is rewritten to its file in the flat bundle", () => {
  const workers = new Map([["pack_worker", "server/store/pack_worker.ts"]]);
  const code = `new Worker(new URL("../store/pack_worker.ts", import.meta.url), { type: "module" })`;
  assert.equal(
    rewriteWorkerUrls(code, workers),
    `new Worker(new URL("./pack_worker.js", import.meta.url), { type: "module" })`,
  );
});

Deno.test("a worker that the compiled file would not find fails the build", () => {
  const workers = new Map([["pack_worker", "server/store/pack_worker.ts"]]);
  assert.throws(
    () => rewriteWorkerUrls(`new Worker(new URL("./other.ts", import.meta.url))`, workers),
    /names no worker/,
  );
  assert.throws(() => rewriteWorkerUrls(`new Worker(path)`, workers), /literal URL/);
});
