/** The data directory to damage: three versions of two images, a node and its identity. */
import { randomBytes } from "node:crypto";
import { ServerUnderTest } from "../../../test/flows/support/server_under_test.ts";

/** Published versions that nothing deletes. */
export const BASE_VERSIONS = ["db@1", "web@1", "web@2"] as const;

export interface BaseStore extends AsyncDisposable {
  /** As a stopped server leaves it. */
  readonly stopped: string;
  /** As a server leaves it that lost power: with the database's log. */
  readonly killed: string;
}

export async function makeBaseStore(): Promise<BaseStore> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-faults-" });
  const stopped = `${folder}/stopped`, killed = `${folder}/killed`, root = `${folder}/tree`;
  Deno.mkdirSync(root);
  {
    await using test = await ServerUnderTest.start({ data: stopped });
    for (const image of ["web", "db", "web"]) {
      Deno.writeFileSync(`${root}/${image}`, randomBytes(150_000));
      await test.publish(image, { root });
    }
    await test.client.send("PUT", "/nodes/n1", { json: { address: "10.0.0.1/24" } });
    Deno.writeTextFileSync(`${stopped}/identities/0123456789abcdef.json`, '{"hostname":"n1"}');
    await copyFolder(stopped, killed);
  }
  return {
    stopped,
    killed,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

export async function copyFolder(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
