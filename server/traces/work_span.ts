/** A piece of work that has ended, as a trace shows it. */
export interface WorkSpan {
  /** From the whole, which has the trace, down to this piece. Each name is the only one of its kind in its whole. */
  readonly path: readonly [whole: string, ...parts: string[]];
  /** Of its kind: "deploy", "partition". */
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
  /** Why it failed, in one line. */
  readonly problem?: string | undefined;
}
