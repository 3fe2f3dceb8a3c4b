/**
 * The identity of each installed node, with its secrets, so that a node keeps it even if its disk dies. The files are
 * readable only by the server's user; nothing from them goes into the database, a view or a log.
 */
import { Identity } from "#contract/identity.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { DataDirectory } from "./data_directory.ts";
import { removeSync, replaceFile } from "./durable.ts";

export class Identities {
  readonly #folder: string;

  constructor({ identities }: Pick<DataDirectory, "identities">) {
    this.#folder = identities;
  }

  /** `node`: its id. Undefined if it was never installed. Throws RackseedError if the record cannot be read. */
  get(node: string): Identity | undefined {
    try {
      return Identity.parse(JSON.parse(Deno.readTextFileSync(this.#path(node))));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw new RackseedError("cannot read the node's recorded identity", {
        // the parser's message would quote the secrets
        reason: `${this.#path(node)}: ${error instanceof SyntaxError ? "it is damaged" : messageOf(error)}.`,
        remedy: "remove that file, or deploy with --identity assign.",
      });
    }
  }

  async put(node: string, identity: Identity): Promise<void> {
    await replaceFile(this.#path(node), new TextEncoder().encode(JSON.stringify(identity)));
  }

  forget(node: string): void {
    removeSync(this.#path(node));
  }

  #path(node: string): string {
    return `${this.#folder}/${node}.json`;
  }
}
