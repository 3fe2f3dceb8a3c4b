/**
 * The inputs of an image's boot files: every question that was put to the image while they were made. A later version
 * that answers all of them alike has the same boot files, which need not be made again.
 */
import { z } from "zod";
import type { FileSource, SourceEntry } from "../../boot/initramfs/file_source.ts";
import { sha256 } from "#native/sha256.ts";

/** An image's files, which can be compared without being read. */
export interface ImageSource extends FileSource {
  /** Equal for equal content; undefined if there is no such file. */
  identity(path: string): string | undefined;
}

const Question = z.tuple([z.enum(["lookup", "read", "list"]), z.string()]);
type Question = z.infer<typeof Question>;
const BootInputs = z.object({
  /** Everything else that the boot files depend on. */
  terms: z.string(),
  questions: z.array(Question),
  /** Of all answers, hexadecimal. */
  sha256: z.string(),
});

/** Passes questions on to a source and records them. */
export class RecordingSource implements FileSource {
  readonly #source: ImageSource;
  readonly #questions = new Map<string, Question>();

  constructor(source: ImageSource) {
    this.#source = source;
  }

  lookup(path: string): Promise<SourceEntry | undefined> {
    this.#record(["lookup", path]);
    return this.#source.lookup(path);
  }

  read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    this.#record(["read", path]);
    return this.#source.read(path);
  }

  list(path: string): Promise<readonly string[]> {
    this.#record(["list", path]);
    return this.#source.list(path);
  }

  /** The recorded inputs, for `areSameInputs`. */
  async inputs(terms: string): Promise<Uint8Array> {
    const questions = [...this.#questions.values()];
    const inputs: z.infer<typeof BootInputs> = {
      terms,
      questions,
      sha256: await hashOfAnswers(this.#source, questions),
    };
    return new TextEncoder().encode(JSON.stringify(inputs));
  }

  #record(question: Question): void {
    this.#questions.set(question.join(" "), question);
  }
}

/**
 * Whether `source` answers everything as the recorded source did.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { areSameInputs, type ImageSource, RecordingSource } from "./boot_inputs.ts";
 *
 * const image = (kernel: string): ImageSource => ({
 *   lookup: () => Promise.resolve({ type: "file", mode: 0o644, sizeBytes: kernel.length }),
 *   read: () => Promise.resolve(new TextEncoder().encode(kernel)),
 *   list: () => Promise.resolve([]),
 *   identity: () => kernel,
 * });
 * const recording = new RecordingSource(image("6.1"));
 * await recording.read("/boot/vmlinuz");
 * const inputs = await recording.inputs("gzip");
 * assert.equal(await areSameInputs(inputs, { terms: "gzip", source: image("6.1") }), true);
 * assert.equal(await areSameInputs(inputs, { terms: "gzip", source: image("6.6") }), false);
 * ```
 */
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
