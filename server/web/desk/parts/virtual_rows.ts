/** Which rows of a long list stand in the window, so that only they are drawn. All rows have one height. */
import { type RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** Rows drawn above and below the window, so that scrolling shows no gaps. */
const MARGIN = 12;

interface RowRange {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/** `body`: the element whose top is the first row's. `height`: of a row, in pixels. */
export function useVirtualRows(
  body: RefObject<HTMLElement | null>,
  { rows, height }: { rows: number; height: number },
): RowRange {
  const [range, setRange] = useState<RowRange>({ first: 0, end: 60 });
  useEffect(() => {
    const measure = () => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / height) - MARGIN);
      const end = Math.ceil((innerHeight - top) / height) + MARGIN;
      // in steps, so that few scroll events draw anything
      const stepped = { first: first - first % 8, end: end + (8 - end % 8) };
      setRange((old) => old.first === stepped.first && old.end === stepped.end ? old : stepped);
    };
    measure();
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure);
    return () => {
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, [height, rows]);
  return { first: Math.min(range.first, rows), end: Math.min(range.end, rows) };
}
