/** `rackseed image push`, `pull`, `key` and `torrent`, and their options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, IMAGE, JSON_RESULT } from "./help_text.ts";

const NO_WAIT = "return at once; the server goes on";

export function addRegistry(
  image: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  withServer(image.command("push"))
    .description("Push a version to an OCI registry.")
    .argument("<image>", IMAGE)
    .requiredOption("--to <artifact>", "REGISTRY/REPOSITORY:TAG")
    .option("--no-wait", NO_WAIT)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The server pushes what its swarm carries: the encrypted packs, the encrypted
manifest, its signature. The registry learns nothing of the image but its name
and size. What the registry has is not sent again. The server's settings have
the logins (--registry-auth-file).`,
        examples: ["rackseed image push web@3 --to registry.example:5000/site/web:3"],
      }),
    )
    .action(async (ref, options) =>
      await (await import("./registry.ts")).pushImage(ref, { ...options, signal })
    );
  withServer(image.command("pull"))
    .description("Pull a version from an OCI registry, and publish it.")
    .argument("<artifact>", "REGISTRY/REPOSITORY:TAG, or with @sha256:…")
    .option("--key-file <file>", "the image's key, from `rackseed image key` on the server that pushed it")
    .option("--no-wait", NO_WAIT)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The version gets the name and number that it had on the server that pushed it.
Its signature must be that server's, as the key file has it; without one, this
server's own. Everything is verified before the version can be deployed.`,
        examples: ["rackseed image pull registry.example:5000/site/web:3 --key-file web.key"],
      }),
    )
    .action(async (artifact, options) =>
      await (await import("./registry.ts")).pullImage(artifact, { ...options, signal })
    );
  withServer(image.command("torrent"))
    .description("Write a version's torrent file, for other BitTorrent programs that seed it.")
    .argument("<image>", IMAGE)
    .requiredOption("-o, --output <file>", "file to write")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
Any BitTorrent program can seed a version, at a rack for instance. It has only
encrypted packs, and cannot read the image.`,
        examples: ["rackseed image torrent web@3 -o web.torrent"],
      }),
    )
    .action(async (ref, options) =>
      await (await import("./registry.ts")).writeTorrent(ref, { ...options, signal })
    );
  withServer(image.command("key"))
    .description("Write the key with which another server can pull an image's versions.")
    .argument("<name>", "name of the image, without a version")
    .requiredOption("-o, --output <file>", "file to create (mode 0600)")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The key opens every version of the image, with the secrets in them, wherever the
versions are: keep it safe, and carry it to the other server yourself.`,
        examples: ["rackseed image key web -o web.key"],
      }),
    )
    .action(async (name, options) =>
      await (await import("./registry.ts")).writeKey(name, { ...options, signal })
    );
}
