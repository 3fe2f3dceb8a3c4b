/**
 * Notes at capture which files must not be the same on two machines and are not simply recreated by each clone:
 * somebody has to act before the clones can do everything that the template does.
 */
import { type BytePath, displayPath } from "#contract/format/byte_path.ts";
import { OwnPatterns } from "#contract/own_files/pattern.ts";
import { OWN_FILES } from "#contract/own_files/table.ts";

/** How many paths one note names. */
const MAX_NAMED = 3;

export class OwnNotes {
  readonly #rows = OWN_FILES.flatMap((row) =>
    "tell" in row && row.tell !== undefined ? [{ tell: row.tell, patterns: new OwnPatterns(row.paths) }] : []
  );
  readonly #any = new OwnPatterns(OWN_FILES.flatMap((row) => "tell" in row ? row.paths : []));
  readonly #seen = new Map<string, string[]>();

  /** Call with every captured path. */
  see(path: BytePath): void {
    if (!this.#any.matches(path)) return;
    for (const { tell, patterns } of this.#rows) {
      if (!patterns.matches(path)) continue;
      const paths = this.#seen.get(tell);
      if (paths) paths.push(`/${displayPath(path)}`);
      else this.#seen.set(tell, [`/${displayPath(path)}`]);
    }
  }

  get notes(): string[] {
    return [...this.#seen].map(([tell, paths]) => {
      const more = paths.length - MAX_NAMED;
      const named = paths.slice(0, MAX_NAMED).join(", ");
      return `${tell} (${named}${more > 0 ? ` and ${more} more` : ""})`;
    });
  }
}
