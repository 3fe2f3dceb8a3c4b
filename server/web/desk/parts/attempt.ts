/** Runs an order that has no dialog of its own, and notes how it ended. */
import { problemOf } from "./problem.tsx";
import { note } from "./notes.tsx";

/** `work` returns what is noted. Returns whether it succeeded. */
export async function attempt(work: () => Promise<string>): Promise<boolean> {
  try {
    note(await work());
    return true;
  } catch (error) {
    const { title, detail, remedy } = problemOf(error);
    note(`${title}: ${detail} ${remedy}`, { isProblem: true });
    return false;
  }
}
