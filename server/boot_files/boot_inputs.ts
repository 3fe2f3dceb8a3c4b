/**
 * What the making of an image's boot files asked of the image. A later version that would answer all of it alike has
 * the same boot files: they need not be made again.
 */
import { z } from "zod";
import type { FileSource, SourceEntry } from "../../boot/initramfs/file_source.ts";
import { sha256 } from "#native/sha256.ts";

/** An image's files, which are known without being read. */
export interface ImageSource extends FileSource {
  /** The same for the same content; undefined where there is no such file. */
  identity(path: string): string | undefined;
}

const Question = z.tuple([z.enum(["lookup", "read", "list"]), z.string()]);
type Question = z.infer<typeof Question>;
const BootInputs = z.object({
  /** All else that was decisive. */
  terms: z.string(),
  questions: z.array(Question),
  /** Over all answers, hexadecimal. */
  sha256: z.string(),
});

/** Passes questions on and notes them. */
export class AskedSource implements FileSource {
  readonly #source: ImageSource;
  readonly #questions = new Map<string, Question>();

  constructor(source: ImageSource) {
    this.#source = source;
  }

  lookup(path: string): Promise<SourceEntry | undefined> {
    this.#note(["lookup", path]);
    return this.#source.lookup(path);
  }

  read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    this.#note(["read", path]);
    return this.#source.read(path);
  }

  list(path: string): Promise<readonly string[]> {
    this.#note(["list", path]);
    return this.#source.list(path);
  }

  /** For `areSameInputs`. */
  async inputs(terms: string): Promise<Uint8Array> {
    const questions = [...this.#questions.values()];
    const inputs: z.infer<typeof BootInputs> = {
      terms,
      questions,
      sha256: await hashOfAnswers(this.#source, questions),
    };
    return new TextEncoder().encode(JSON.stringify(inputs));
  }

  #note(question: Question): void {
    this.#questions.set(question.join(" "), question);
  }
}

/** Whether `source` answers everything as the one did that these inputs were noted of. */
export async function areSameInputs(
  inputs: Uint8Array,
  { terms, source }: { terms: string; source: ImageSource },
): Promise<boolean> {
  const before = BootInputs.safeParse(JSON.parse(new TextDecoder().decode(inputs)));
  if (!before.success || before.data.terms !== terms) return false;
  return await hashOfAnswers(source, before.data.questions) === before.data.sha256;
}

async function hashOfAnswers(source: ImageSource, questions: readonly Question[]): Promise<string> {
  const answers: unknown[] = [];
  for (const [kind, path] of questions) {
    switch (kind) {
      case "lookup":
        answers.push(await source.lookup(path) ?? null);
        break;
      case "read":
        answers.push(source.identity(path) ?? null);
        break;
      case "list":
        answers.push([...await source.list(path)].sort());
        break;
    }
  }
  return sha256(new TextEncoder().encode(JSON.stringify(answers))).toString("hex");
}
