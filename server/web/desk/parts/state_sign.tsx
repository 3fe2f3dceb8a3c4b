/** A node's state by shape and colour, so that it can be told without seeing colours. */
import type { DeskNode } from "#contract/desk.ts";
import { stateText } from "../messages/states.ts";

type State = DeskNode["state"];

/** Drawn on a square of 16 × 16. */
const SHAPES: Record<State, string> = {
  idle: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3zm0 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  armed: "M8 2l6 11.5H2zM7.2 6.2v3.6h1.6V6.2zm0 4.6v1.4h1.6v-1.4z",
  installing: "M7 2h2v6h3l-4 5-4-5h3z",
  installed: "M3 3h10v10H3zm2 2v6h6V5z",
  running: "M6.5 12.5L2 8l1.5-1.5 3 3L12.5 3.500 14 5z",
  failed:
    "M3.500 2L8 6.500 12.500 2 14 3.500 9.500 8 14 12.500 12.500 14 8 9.500 3.500 14 2 12.500 6.500 8 2 3.500z",
  aborted: "M3 3h10v10H3z",
};

/** The sign alone, for where the state is said beside it or in a label. */
export function Sign({ state }: { state: State }) {
  return (
    <svg class={`sign ${state}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path fill-rule="evenodd" d={SHAPES[state]} />
    </svg>
  );
}

export function StateSign({ node }: { node: Pick<DeskNode, "state" | "order"> }) {
  return (
    <span class={`state ${node.state}`}>
      <Sign state={node.state} /> {stateText(node)}
    </span>
  );
}
